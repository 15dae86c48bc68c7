with prepared as (

    {{ with_phone_parts(latest_version(source('landing', 'sms_messages'))) }}

),

renamed as (

    select
        prepared.source,
        prepared.source_record_id,
        prepared.occurred_at,
        prepared.received_at,
        prepared.message_id,
        prepared.channel,
        prepared.direction,
        {{ phone_e164('prepared.phone_digits') }} as phone,
        prepared.phone_extension,
        prepared.from_address,
        prepared.to_address,
        prepared.body,
        prepared.status,
        prepared.error_code,
        prepared.segment_count,
        prepared.media_count,
        prepared.price_micros,
        prepared.currency
    from prepared
    {{ join_countries() }}

)

select * from renamed
