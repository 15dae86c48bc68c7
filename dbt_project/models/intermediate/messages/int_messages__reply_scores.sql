{#-
  How a person answers us, by channel: each message from them counts 1 on the day of their last one and half as much for
  every half-life before it. Measured from their own last message, so that a new day changes nothing.
-#}
with replies as (

    select
        customer_id,
        -- MMS and RCS reach the same phone as SMS
        case when channel in ('mms', 'rcs') then 'sms' else channel end as channel,
        occurred_at,
        max(occurred_at) over (partition by customer_id) as last_reply_at
    from {{ ref('int_messages__messages') }}
    where is_inbound and not is_keyword

)

select
    customer_id,
    channel,
    count(*) as reply_count,
    max(occurred_at) as last_reply_at,
    sum(power(0.5, {{ days_between('occurred_at', 'last_reply_at') }} / {{ var('reply_half_life_days') }}.0)) as score
from replies
group by customer_id, channel
