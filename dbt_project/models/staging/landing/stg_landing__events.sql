with prepared as (

    {{ with_phone_parts(latest_version(source('landing', 'events'))) }}

),

renamed as (

    select
        prepared.source,
        prepared.source_record_id,
        prepared.occurred_at,
        prepared.received_at,
        prepared.event_id,
        prepared.name,
        prepared.external_id,
        {{ email_address('prepared.email') }} as email,
        {{ phone_e164('prepared.phone_digits') }} as phone,
        prepared.phone_extension,
        prepared.device_id,
        prepared.handle,
        prepared.value_minor,
        prepared.currency,
        prepared.order_id,
        prepared.product_id,
        prepared.url,
        prepared.campaign,
        prepared.properties
    from prepared
    {{ join_countries() }}

)

select * from renamed
