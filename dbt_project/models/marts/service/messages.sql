{#- Every message with what it meant for its conversation; its words stand once, in the timeline, under the same touch. -#}
select
    touch_id,
    customer_id,
    occurred_at,
    channel,
    case when role = 'note' then 'none' when is_inbound then 'in' else 'out' end as direction,
    role,
    conversation_id,
    agent,
    order_id,
    source,
    source_record_id
from {{ ref('int_conversations__touches') }}
where role <> 'opened'
