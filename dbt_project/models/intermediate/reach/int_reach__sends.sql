{#-
  Each message or call that went out to a person, once, with what became of it. What came last counts: a mail that was
  accepted and came back later did not arrive.
-#}
with messages as (

    select
        customer_id,
        channel,
        message_key,
        min(campaign) as campaign,
        min(sent_at) as sent_at,
        max(arrived_at) as arrived_at,
        max(failed_at) as failed_at,
        min(complained_at) as complained_at,
        min(left_at) as left_at
    from {{ ref('int_reach__reports') }}
    where channel is not null
    group by customer_id, channel, message_key
    having min(sent_at) is not null

)

select
    *,
    case
        when failed_at is not null and (arrived_at is null or failed_at >= arrived_at) then 'failed'
        when arrived_at is not null then 'arrived'
        else 'unknown'
    end as outcome
from messages
