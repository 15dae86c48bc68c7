{#- What is said on each channel, by whom, and how much of all that customers say. -#}
with said as (

    select
        {{ week_of('occurred_at') }} as week,
        {{ talk_channel('channel') }} as channel,
        customer_id,
        role,
        is_inbound and role in ('ask', 'thanks') as is_theirs
    from {{ ref('int_conversations__turns') }}
    where part = 'said' and role not in ('note', 'unsent')

),

counted as (

    select
        week,
        channel,
        count(case when is_theirs then 1 end) as inbound_count,
        count(case when role = 'answer' then 1 end) as answer_count,
        count(case when role = 'automatic' then 1 end) as automatic_count,
        count(case when role = 'campaign' then 1 end) as campaign_count,
        count(distinct case when is_theirs then customer_id end) as people_count
    from said
    group by week, channel

)

select
    *,
    inbound_count / cast(nullif(sum(inbound_count) over (partition by week), 0) as double) as inbound_share
from counted
