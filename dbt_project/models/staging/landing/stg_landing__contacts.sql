with prepared as (

    {{ with_phone_parts(latest_version(source('landing', 'contacts'))) }}

),

renamed as (

    select
        prepared.source,
        prepared.source_record_id,
        prepared.occurred_at,
        prepared.received_at,
        prepared.external_id,
        {{ email_address('prepared.email') }} as email,
        {{ phone_e164('prepared.phone_digits') }} as phone,
        prepared.phone_extension,
        prepared.device_id,
        prepared.handle,
        nullif(trim(prepared.given_name), '') as given_name,
        nullif(trim(prepared.family_name), '') as family_name,
        prepared.birth_date,
        prepared.street,
        prepared.city,
        prepared.postcode,
        named.country_code as country,
        prepared.language,
        prepared.time_zone
    from prepared
    {{ join_countries('prepared.country') }}

)

select * from renamed
