with latest as (

    {{ latest_version(source('landing', 'email_messages')) }}

),

renamed as (

    select
        source,
        source_record_id,
        occurred_at,
        received_at,
        message_id,
        thread_id,
        direction,
        {{ email_address('email') }} as email,
        nullif(trim(given_name), '') as given_name,
        nullif(trim(family_name), '') as family_name,
        from_email,
        to_email,
        subject,
        body_text,
        in_reply_to,
        attachment_count,
        attachments
    from latest

)

select * from renamed
