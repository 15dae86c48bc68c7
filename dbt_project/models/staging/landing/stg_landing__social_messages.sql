with prepared as (

    {{ with_phone_parts(latest_version(source('landing', 'social_messages'))) }}

),

renamed as (

    select
        prepared.source,
        prepared.source_record_id,
        prepared.occurred_at,
        prepared.received_at,
        prepared.message_id,
        prepared.conversation_id,
        prepared.channel,
        prepared.kind,
        prepared.direction,
        prepared.handle,
        prepared.external_id,
        {{ phone_e164('prepared.phone_digits') }} as phone,
        prepared.phone_extension,
        {{ email_address('prepared.email') }} as email,
        nullif(trim(prepared.given_name), '') as given_name,
        nullif(trim(prepared.family_name), '') as family_name,
        prepared.body,
        prepared.url,
        prepared.media_count,
        prepared.status,
        prepared.in_reply_to
    from prepared
    {{ join_countries() }}

)

select * from renamed
