with prepared as (

    {{ with_phone_parts(latest_version(source('landing', 'consents'))) }}

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
        prepared.channel,
        prepared.purpose,
        prepared.action,
        prepared.legal_basis,
        prepared.method,
        prepared.wording,
        prepared.locale
    from prepared
    {{ join_countries() }}

)

select * from renamed
