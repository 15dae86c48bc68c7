{#- Summed from orders, as customer_360 is: with the orders that have no buyer it makes up every line, in each currency. -#}
select
    customer_id,
    currency,
    count(counted_at) as order_count,
    cast(sum(net_amount_minor) as bigint) as net_amount_minor,
    cast(sum(refund_minor) as bigint) as refund_minor,
    min(counted_at) as first_order_at,
    max(counted_at) as last_order_at
from {{ ref('int_purchases__orders') }}
where customer_id is not null
group by customer_id, currency
