with prepared as (

    {{ with_phone_parts(latest_version(source('landing', 'outreach'))) }}

),

renamed as (

    select
        prepared.source,
        prepared.source_record_id,
        prepared.occurred_at,
        prepared.received_at,
        prepared.message_id,
        prepared.run_id,
        prepared.campaign,
        prepared.customer_ref,
        prepared.external_id,
        {{ email_address('prepared.email') }} as email,
        {{ phone_e164('prepared.phone_digits') }} as phone,
        prepared.phone_extension,
        prepared.channel,
        prepared.direction,
        prepared.arm,
        prepared.state,
        prepared.template,
        prepared.variant,
        prepared.subject,
        prepared.body,
        prepared.reason,
        prepared.delivered_at,
        prepared.read_at,
        prepared.clicked_at
    from prepared
    {{ join_countries() }}

)

select * from renamed
