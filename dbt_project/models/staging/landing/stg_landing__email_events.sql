with latest as (

    {{ latest_version(source('landing', 'email_events')) }}

),

renamed as (

    select
        source,
        source_record_id,
        occurred_at,
        received_at,
        event_id,
        event,
        {{ email_address('email') }} as email,
        message_ref,
        url,
        reason,
        is_machine,
        campaign
    from latest

)

select * from renamed
