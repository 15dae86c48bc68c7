with orders as (

    select
        *,
        -- an order counts when something was sold in it and it was not taken back whole before it left
        case when sale_line_count > 0 and status <> 'cancelled' then ordered_at end as counted_at,
        case when currency = '{{ var("currency") }}' then net_amount_minor else 0 end as own_net_minor,
        case when currency = '{{ var("currency") }}' then refund_minor else 0 end as own_refund_minor
    from {{ ref('int_purchases__orders') }}
    where customer_id is not null

),

totals as (

    select
        customer_id,
        min(counted_at) as first_order_at,
        max(counted_at) as last_order_at,
        count(counted_at) as order_count,
        count(case when currency = '{{ var("currency") }}' then counted_at end) as own_order_count,
        cast(sum(own_net_minor) as bigint) as net_revenue_minor,
        cast(sum(own_refund_minor) as bigint) as refund_minor
    from orders
    group by customer_id

)

select
    customer_id,
    first_order_at,
    last_order_at,
    order_count,
    net_revenue_minor,
    refund_minor,
    {{ divide_whole('net_revenue_minor', 'own_order_count') }} as average_order_minor
from totals
