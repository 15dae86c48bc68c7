with prepared as (

    {{ with_phone_parts(latest_version(source('landing', 'tickets'))) }}

),

renamed as (

    select
        prepared.source,
        prepared.source_record_id,
        prepared.occurred_at,
        prepared.received_at,
        prepared.ticket_id,
        prepared.external_id,
        {{ email_address('prepared.email') }} as email,
        {{ phone_e164('prepared.phone_digits') }} as phone,
        prepared.phone_extension,
        prepared.handle,
        nullif(trim(prepared.given_name), '') as given_name,
        nullif(trim(prepared.family_name), '') as family_name,
        prepared.order_id,
        prepared.subject,
        prepared.description,
        prepared.status,
        prepared.priority,
        prepared.kind,
        prepared.channel,
        prepared.assignee,
        prepared.group_name,
        prepared.tags,
        prepared.updated_at,
        prepared.first_response_at,
        prepared.solved_at,
        prepared.due_at,
        prepared.sla_breached,
        prepared.satisfaction,
        prepared.satisfaction_comment
    from prepared
    {{ join_countries() }}

)

select * from renamed
