{#- What each of the team did in a week, where the sources name them; of e-mail, the mailbox that it came from. -#}
with done as (

    select
        turns.*,
        waits.wait_seconds
    from {{ ref('int_conversations__placed') }} as turns
    left join {{ ref('int_conversations__waits') }} as waits
        on turns.conversation_id = waits.conversation_id and turns.occurred_at = waits.answered_at
    where turns.role in ('answer', 'close') and turns.agent is not null

)

select
    {{ week_of('occurred_at') }} as week,
    source,
    agent,
    count(distinct case when role = 'answer' then source_record_id || part end) as answer_count,
    count(distinct case when role = 'answer' and channel = 'voice' then source_record_id || part end) as call_count,
    count(distinct case when role = 'close' then source_record_id end) as solved_count,
    count(distinct conversation_id) as conversation_count,
    count(distinct customer_id) as people_count,
    {{ whole_percentile("case when role = 'answer' then wait_seconds end") }} as median_wait_seconds
from done
group by {{ week_of('occurred_at') }}, source, agent
