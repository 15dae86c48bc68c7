{#- Messages, calls and tickets as touches of the timeline, with their conversation. -#}
select
    turns.touch_id,
    turns.customer_id,
    turns.occurred_at,
    turns.channel,
    turns.is_inbound,
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
