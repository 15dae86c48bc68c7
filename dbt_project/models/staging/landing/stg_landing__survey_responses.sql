with prepared as (

    {{ with_phone_parts(latest_version(source('landing', 'survey_responses'))) }}

),

renamed as (

    select
        prepared.source,
        prepared.source_record_id,
        prepared.occurred_at,
        prepared.received_at,
        prepared.response_id,
        prepared.survey_id,
        prepared.survey_name,
        prepared.kind,
        prepared.score,
        prepared.score_scale,
        prepared.question,
        prepared.answer,
        prepared.external_id,
        {{ email_address('prepared.email') }} as email,
        {{ phone_e164('prepared.phone_digits') }} as phone,
        prepared.phone_extension,
        prepared.device_id,
        nullif(trim(prepared.given_name), '') as given_name,
        nullif(trim(prepared.family_name), '') as family_name,
        prepared.order_id,
        prepared.ticket_id,
        prepared.channel
    from prepared
    {{ join_countries() }}

)

select * from renamed
