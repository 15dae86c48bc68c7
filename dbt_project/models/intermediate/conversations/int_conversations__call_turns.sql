{#- Calls: one that was taken is a question and its answer, after the queue; one that was not is a question that waits. -#}
{{ config(materialized='view') }}
with calls as (

    select
        *,
        status in ('completed', 'in_progress') and coalesce(duration_seconds, 1) > 0 as was_taken
    from {{ ref('stg_landing__calls') }}

)

select
    source,
    source_record_id,
    'said' as part,
    'call' as kind,
    occurred_at,
    'voice' as channel,
    {{ no_text() }} as thread,
    case
        when direction = 'inbound' then 'ask'
        when was_taken or status = 'voicemail' then 'answer'
        else 'unsent'
    end as role,
    direction = 'inbound' as is_inbound,
    case when direction = 'outbound' then agent_name end as agent,
    {{ no_text() }} as order_id
from calls

union all

select
    source,
    source_record_id,
    'answered' as part,
    'call' as kind,
    {{ seconds_after('occurred_at', 'coalesce(queue_seconds, 0)') }} as occurred_at,
    'voice' as channel,
    {{ no_text() }} as thread,
    'answer' as role,
    false as is_inbound,
    agent_name as agent,
    {{ no_text() }} as order_id
from calls
where direction = 'inbound' and was_taken
