with prepared as (

    {{ with_phone_parts(latest_version(source('landing', 'calls'))) }}

),

renamed as (

    select
        prepared.source,
        prepared.source_record_id,
        prepared.occurred_at,
        prepared.received_at,
        prepared.call_id,
        prepared.direction,
        {{ phone_e164('prepared.phone_digits') }} as phone,
        prepared.phone_extension,
        prepared.from_address,
        prepared.to_address,
        prepared.external_id,
        {{ email_address('prepared.email') }} as email,
        nullif(trim(prepared.given_name), '') as given_name,
        nullif(trim(prepared.family_name), '') as family_name,
        prepared.status,
        prepared.ended_at,
        prepared.duration_seconds,
        prepared.queue_seconds,
        prepared.agent_name,
        prepared.recording_url,
        prepared.transcript,
        prepared.summary,
        prepared.topic,
        prepared.price_micros,
        prepared.currency
    from prepared
    {{ join_countries() }}

)

select * from renamed
