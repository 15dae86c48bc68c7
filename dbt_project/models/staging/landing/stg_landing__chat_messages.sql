with prepared as (

    {{ with_phone_parts(latest_version(source('landing', 'chat_messages'))) }}

),

renamed as (

    select
        prepared.source,
        prepared.source_record_id,
        prepared.occurred_at,
        prepared.received_at,
        prepared.conversation_id,
        prepared.message_id,
        prepared.author_kind,
        prepared.author_name,
        {{ email_address('prepared.email') }} as email,
        {{ phone_e164('prepared.phone_digits') }} as phone,
        prepared.phone_extension,
        prepared.external_id,
        prepared.handle,
        prepared.device_id,
        nullif(trim(prepared.given_name), '') as given_name,
        nullif(trim(prepared.family_name), '') as family_name,
        prepared.order_id,
        prepared.body,
        prepared.topic,
        prepared.conversation_status,
        prepared.channel,
        coalesce(prepared.is_private, false) as is_private
    from prepared
    {{ join_countries() }}

)

select * from renamed
