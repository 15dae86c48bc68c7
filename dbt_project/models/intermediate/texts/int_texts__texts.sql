{#- Every distinct text that customers wrote, once: the same question from a thousand people is read a thousandth as often. -#}
{%- set tables = {
    'reviews': 'reviews',
    'survey_responses': 'survey_responses',
    'form_submissions': 'form_submissions',
    'tickets': 'tickets',
    'ticket_comments': 'tickets',
    'email_messages': 'email_messages',
    'chat_messages': 'chat_messages',
    'sms_messages': 'sms_messages',
    'social_messages': 'social_messages',
    'outreach': 'outreach',
} -%}
with said as (
{% for kind, table in tables.items() %}
    select {{ said(kind) }} as body
    from {{ ref('stg_landing__' ~ table) }}
    {% if not loop.last %}union all{% endif %}
{% endfor %}
),

keyed as (

    select
        {{ text_key('body') }} as text_key,
        body
    from said

)

select
    text_key,
    min(body) as body -- texts of one key differ in the spaces around them
from keyed
where text_key is not null
group by text_key
