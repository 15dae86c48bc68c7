{#-
  A ticket's own three moments: opened, first answered, solved. Where its messages are known too, they tell the first
  two better, so that nothing counts twice: then its opening asks nothing of its own.
-#}
{{ config(materialized='view') }}
{%- set moments = [
    ('said', 'ask', 'tickets.occurred_at', 'true'),
    ('answered', 'answer', 'tickets.first_response_at', 'threads.agent_messages = 0'),
    ('solved', 'close', 'tickets.solved_at', 'true'),
] %}
{% for part, role, moment, when in moments %}
select
    tickets.source,
    tickets.source_record_id,
    '{{ part }}' as part,
    'ticket' as kind,
    {{ moment }} as occurred_at,
    {{ desk_channel('tickets.channel', 'false' if role == 'ask' else 'true') }} as channel,
    threads.thread,
    {% if role == 'ask' %}case when threads.customer_messages = 0 then 'ask' else 'opened' end{% else %}'{{ role }}'{% endif %} as role,
    {{ 'true' if role == 'ask' else 'false' }} as is_inbound,
    {{ 'tickets.assignee' if role != 'ask' else no_text() }} as agent,
    tickets.order_id
from {{ ref('stg_landing__tickets') }} as tickets
inner join {{ ref('int_conversations__threads') }} as threads
    on 'desk:' || tickets.source || ':' || tickets.ticket_id = threads.thread
where {{ moment }} is not null and {{ when }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
