{#-
  What was said in each conversation, and where. A channel switch is the person's: they had to go elsewhere. In a form
  nobody can go on, so that to leave one is none.
-#}
with said as (

    select
        *,
        {{ talk_channel('channel') }} as talk_channel,
        role in ('ask', 'thanks') as is_theirs,
        role = 'answer' or (role = 'automatic' and not is_inbound) as is_ours
    from {{ ref('int_conversations__placed') }}

),

followed as (

    select
        *,
        case when is_theirs then lag(talk_channel) over (
            partition by conversation_id, is_theirs
            order by place
        ) end as previous_channel,
        row_number() over (partition by conversation_id order by place desc) as place_from_end
    from said

)

select
    conversation_id,
    customer_id,
    min(occurred_at) as started_at,
    max(occurred_at) as last_at,
    {{ joined_texts('talk_channel') }} as channels,
    max(case when place = 1 then talk_channel end) as first_channel,
    max(case when place_from_end = 1 then talk_channel end) as last_channel,
    count(case when previous_channel <> talk_channel and previous_channel <> 'form' then 1 end) as channel_switches,
    count(case when is_theirs then 1 end) as inbound_count,
    count(case when is_ours then 1 end) as outbound_count,
    min(case when role in ('ask', 'thanks', 'answer') and is_theirs then place end)
    < min(case when role = 'answer' then place else 2147483647 end) as is_begun_by_them,
    {{ joined_texts("case when role = 'answer' then agent end") }} as agents,
    {{ newest("case when order_id is not null then order_id end", 'occurred_at') }} as order_id,
    max(case when role in ('answer', 'close') then occurred_at end) as last_answer_at
from followed
group by conversation_id, customer_id
