{#- On which days each source brought something, by table: small, and what tells whether a source has fallen silent. -#}
{%- set tables = [
    'calls', 'chat_messages', 'consents', 'contacts', 'email_events', 'email_messages', 'events', 'form_submissions',
    'outreach', 'purchases', 'reviews', 'shipments', 'sms_messages', 'social_messages', 'survey_responses', 'tickets'
] -%}
{%- for table in tables %}
select
    source,
    '{{ table }}' as table_name,
    cast(occurred_at as date) as day,
    count(*) as record_count
from {{ ref('stg_landing__' ~ table) }}
where occurred_at is not null
group by 1, 2, 3
{{ 'union all' if not loop.last }}
{%- endfor %}
