with prepared as (

    {{ with_phone_parts(latest_version(source('landing', 'purchases'))) }}

),

renamed as (

    select
        prepared.source,
        prepared.source_record_id,
        prepared.occurred_at,
        prepared.received_at,
        prepared.order_id,
        prepared.external_id,
        {{ email_address('prepared.email') }} as email,
        {{ phone_e164('prepared.phone_digits') }} as phone,
        prepared.phone_extension,
        prepared.device_id,
        nullif(trim(prepared.given_name), '') as given_name,
        nullif(trim(prepared.family_name), '') as family_name,
        prepared.street,
        prepared.city,
        prepared.postcode,
        named.country_code as country,
        prepared.line_kind,
        prepared.product_id,
        prepared.product_name,
        prepared.product_category,
        prepared.quantity,
        prepared.unit_price_minor,
        prepared.net_amount_minor,
        prepared.currency
    from prepared
    {{ join_countries('prepared.country') }}

)

select * from renamed
