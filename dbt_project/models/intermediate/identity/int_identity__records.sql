{{ config(materialized='view') }}

{#- A view: its columns stand in staging already, and who reads it needs a few of them. -#}
{%- set identity_columns = [
    'email', 'phone', 'phone_extension', 'device_id', 'external_id', 'handle', 'given_name', 'family_name',
    'birth_date', 'street', 'city', 'postcode', 'country'
] -%}
{%- set carried = {
    'purchases': [
        'email', 'phone', 'device_id', 'external_id', 'given_name', 'family_name',
        'street', 'city', 'postcode', 'country'
    ],
    'shipments': ['email', 'phone', 'external_id'],
    'email_messages': ['email', 'given_name', 'family_name'],
    'email_events': ['email'],
    'sms_messages': ['phone'],
    'chat_messages': ['email', 'phone', 'device_id', 'external_id', 'handle', 'given_name', 'family_name'],
    'contacts': identity_columns,
    'consents': ['email', 'phone', 'external_id'],
    'tickets': ['email', 'phone', 'external_id', 'handle', 'given_name', 'family_name'],
    'calls': ['email', 'phone', 'external_id', 'given_name', 'family_name'],
    'reviews': ['email', 'external_id', 'handle', 'given_name', 'family_name'],
    'survey_responses': ['email', 'phone', 'device_id', 'external_id', 'given_name', 'family_name'],
    'form_submissions': [
        'email', 'phone', 'device_id', 'external_id', 'given_name', 'family_name',
        'street', 'city', 'postcode', 'country'
    ],
    'social_messages': ['email', 'phone', 'external_id', 'handle', 'given_name', 'family_name'],
    'events': ['email', 'phone', 'device_id', 'external_id', 'handle'],
} -%}
with outreach as (

    -- what we ourselves sent proves only that the address was written to: it never ties two identifiers together
    select
        source,
        source_record_id,
        occurred_at,
        case when customer_ref is null or channel = 'email' then email end as email,
        case when customer_ref is null or channel <> 'email' then phone end as phone,
        case when customer_ref is null or channel <> 'email' then phone_extension end as phone_extension,
        case when customer_ref is null then external_id end as external_id
    from {{ ref('stg_landing__outreach') }}

),

records as (
{% for table, columns in carried.items() %}
    select
        '{{ table }}' as origin_table,
        source,
        source_record_id,
        occurred_at,
        {{ carried_columns(identity_columns, columns) }}
    from {{ ref('stg_landing__' ~ table) }}

    union all
{% endfor %}
    select
        'outreach' as origin_table,
        source,
        source_record_id,
        occurred_at,
        {{ carried_columns(identity_columns, ['email', 'phone', 'external_id']) }}
    from outreach

)

select * from records
