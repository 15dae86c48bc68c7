with prepared as (

    {{ with_phone_parts(latest_version(source('landing', 'shipments'))) }}

),

renamed as (

    select
        prepared.source,
        prepared.source_record_id,
        prepared.occurred_at,
        prepared.received_at,
        prepared.shipment_id,
        prepared.order_id,
        prepared.external_id,
        {{ email_address('prepared.email') }} as email,
        {{ phone_e164('prepared.phone_digits') }} as phone,
        prepared.phone_extension,
        prepared.carrier,
        prepared.tracking_number,
        prepared.status,
        prepared.shipped_at,
        prepared.estimated_delivery_at,
        prepared.delivered_at
    from prepared
    {{ join_countries() }}

)

select * from renamed
