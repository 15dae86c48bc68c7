{#- How what each person wrote sounds, by touch. What also stands in our own outreach, and what cannot be read, is left out. -#}
{%- set kinds = {
    'reviews': 'review',
    'survey_responses': 'survey',
    'form_submissions': 'form',
    'tickets': 'ticket',
    'email_messages': 'email',
    'chat_messages': 'chat',
    'sms_messages': 'sms',
    'social_messages': 'social',
} -%}
with texts as (
{% for table, kind in kinds.items() %}
    select
        people.customer_id,
        '{{ kind }}:' || here.source || ':' || here.source_record_id as touch_id,
        here.occurred_at,
        {{ text_key(said(table, 'here')) }} as text_key
    from {{ ref('stg_landing__' ~ table) }} as here
    inner join {{ ref('stg_identity__map') }} as people
        on here.source = people.source and here.source_record_id = people.source_record_id
    {%- if table in ['email_messages', 'sms_messages'] %}
    left join {{ ref('int_conversations__told') }} as told
        on here.message_id = told.message_id
    where told.message_id is null
    {%- endif %}

    union all
{% endfor %}
    select
        customer_id,
        'outreach:' || source || ':' || source_record_id as touch_id,
        occurred_at,
        {{ text_key(said('outreach')) }} as text_key
    from {{ ref('int_outreach__touches') }}
    where customer_id is not null

)

select
    texts.customer_id,
    texts.touch_id,
    texts.occurred_at,
    moods.sentiment,
    moods.label
from texts
inner join {{ ref('stg_scoring__sentiments') }} as moods
    on texts.text_key = moods.text_key
where moods.sentiment is not null
