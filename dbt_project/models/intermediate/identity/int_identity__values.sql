{#- One row per record and identifier on it. Orders and conversations tie records together but are nobody's address. -#}
{%- set records = ref('int_identity__records') -%}
with emails as (

    select
        records.origin_table,
        records.source,
        records.source_record_id,
        records.occurred_at,
        'email' as identifier_type,
        records.email as value,
        keys.email_key as match_key
    from {{ records }} as records
    inner join {{ ref('int_identity__email_keys') }} as keys
        on records.email = keys.email

),

-- two people behind one switchboard share the number that is dialled, so the extension is part of the key (RFC 3966)
others as (
{% for type, value, key in [
    ('phone', 'phone', "phone || coalesce(';ext=' || phone_extension, '')"),
    ('external_id', namespaced('external_id'), namespaced('external_id')),
    ('handle', namespaced(handle_name('handle')), namespaced(handle_name('handle'))),
    ('device_id', 'trim(device_id)', device_key('device_id')),
] %}
    select
        origin_table,
        source,
        source_record_id,
        occurred_at,
        '{{ type }}' as identifier_type,
        {{ value }} as value,
        {{ key }} as match_key
    from {{ records }}
    where nullif(trim({{ type }}), '') is not null
    {% if not loop.last %}union all{% endif %}
{% endfor %}
),

ties as (
{% for table, type, column in [
    ('purchases', 'order', 'order_id'),
    ('shipments', 'order', 'order_id'),
    ('chat_messages', 'conversation', 'conversation_id'),
] %}
    select
        '{{ table }}' as origin_table,
        source,
        source_record_id,
        occurred_at,
        '{{ type }}' as identifier_type,
        source || ':' || {{ column }} as value,
        source || ':' || {{ column }} as match_key
    from {{ ref('stg_landing__' ~ table) }}
    where {{ column }} is not null
    {% if not loop.last %}union all{% endif %}
{% endfor %}
)

select * from emails
union all
select * from others
union all
select * from ties
