{#-
  The days on which each person ordered, or got money back: what the lifetime models count. Two orders on a day are one visit.
  A credit note that names no order is money back on its own day.
-#}
with orders as (

    select
        customer_id,
        cast(ordered_at as date) as ordered_on,
        case when counted_at is null then 0 else 1 end as is_order,
        case when currency = '{{ var("currency") }}' then 1 else 0 end as is_own,
        case when currency = '{{ var("currency") }}' then net_amount_minor else 0 end as own_net_minor
    from {{ ref('int_purchases__orders') }}
    where customer_id is not null

)

select
    customer_id,
    ordered_on,
    max(is_order) as order_days,
    max(is_order * is_own) as own_order_days,
    cast(sum(own_net_minor) as bigint) as own_net_minor
from orders
group by customer_id, ordered_on
