{#-
  Money in the week in which it moved: a refund counts in its own week and not in that of its sale. Weeks begin on
  Monday, UTC. Summed over the weeks of a currency it is all lines.
-#}
with lines as (

    select
        {{ week_of('occurred_at') }} as week,
        currency,
        cast(sum(case when line_kind = 'sale' then net_amount_minor else 0 end) as bigint) as sale_minor,
        cast(sum(case when line_kind in ('refund', 'cancellation') then -net_amount_minor else 0 end) as bigint)
            as refund_minor,
        cast(sum(net_amount_minor) as bigint) as net_amount_minor,
        cast(sum(case when customer_id is null then net_amount_minor else 0 end) as bigint) as unattributed_minor
    from {{ ref('int_purchases__lines') }}
    group by {{ week_of('occurred_at') }}, currency

),

orders as (

    select
        {{ week_of('orders.ordered_at') }} as week,
        orders.currency,
        count(orders.counted_at) as order_count,
        count(distinct case when orders.counted_at is not null then orders.customer_id end) as customer_count,
        count(distinct case when orders.counted_at = customers.first_order_at then orders.customer_id end)
            as new_customer_count
    from {{ ref('int_purchases__orders') }} as orders
    left join {{ ref('int_purchases__customers') }} as customers on orders.customer_id = customers.customer_id
    group by {{ week_of('orders.ordered_at') }}, orders.currency

)

select
    lines.week,
    lines.currency,
    coalesce(orders.order_count, 0) as order_count,
    coalesce(orders.customer_count, 0) as customer_count,
    coalesce(orders.new_customer_count, 0) as new_customer_count,
    lines.sale_minor,
    lines.refund_minor,
    lines.net_amount_minor,
    lines.unattributed_minor
from lines
left join orders on lines.week = orders.week and lines.currency = orders.currency
