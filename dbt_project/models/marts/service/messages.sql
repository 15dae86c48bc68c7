{#- Every message with what it meant for its conversation; its words stand once, in the timeline, under the same touch. -#}
select
    turns.touch_id,
    turns.customer_id,
    turns.occurred_at,
    turns.channel,
    case when turns.role = 'note' then 'none' when turns.is_inbound then 'in' else 'out' end as direction,
    turns.role,
    placed.conversation_id,
    turns.agent,
    turns.order_id,
    turns.source,
    turns.source_record_id
from {{ ref('int_conversations__turns') }} as turns
left join {{ ref('int_conversations__placed') }} as placed
    on
        turns.source = placed.source
        and turns.source_record_id = placed.source_record_id
        and turns.part = placed.part
where turns.part = 'said'
