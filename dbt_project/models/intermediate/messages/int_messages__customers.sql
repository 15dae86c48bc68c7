with ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, is_inbound
            order by occurred_at desc, source_record_id desc
        ) as newest
    from {{ ref('int_messages__messages') }}

)

select
    customer_id,
    count(case when is_inbound then 1 end) as inbound_message_count,
    count(case when not is_inbound then 1 end) as outbound_message_count,
    max(case when is_inbound then occurred_at end) as last_inbound_at,
    max(case when is_inbound and newest = 1 then channel end) as last_inbound_channel
from ranked
group by customer_id
