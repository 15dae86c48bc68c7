{#-
  How much each person and the company wrote to each other. What they wrote is every touch of theirs in words to us, on any
  channel, once: also messengers, forms and tickets (one whose messages are known counts by them). A call is not written, an
  automatic answer was written by nobody, and a mention or a like is addressed to others.
-#}
with written as (

    select
        customer_id,
        true as is_inbound,
        source_record_id,
        occurred_at,
        channel
    from {{ ref('int_conversations__touches') }}
    where is_inbound and role in ('ask', 'thanks', 'keyword') and channel <> 'voice'

    union all

    select
        customer_id,
        false as is_inbound,
        source_record_id,
        occurred_at,
        channel
    from {{ ref('int_messages__messages') }}
    where not is_inbound

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, is_inbound
            order by occurred_at desc, source_record_id desc
        ) as newest
    from written

)

select
    customer_id,
    count(case when is_inbound then 1 end) as inbound_message_count,
    count(case when not is_inbound then 1 end) as outbound_message_count,
    max(case when is_inbound then occurred_at end) as last_inbound_at,
    max(case when is_inbound and newest = 1 then channel end) as last_inbound_channel
from ranked
group by customer_id
