{#- What each person bought. An order in two currencies is one order; only the money in the company's currency is summed. -#}
with in_own_currency as (

    select
        *,
        currency = '{{ var("currency") }}' as is_own
    from {{ ref('int_purchases__orders') }}
    where customer_id is not null

),

orders as (

    select
        customer_id,
        source,
        order_id,
        min(counted_at) as counted_at,
        min(case when is_own then counted_at end) as own_counted_at,
        max(came_back) as came_back,
        sum(case when is_own then net_amount_minor else 0 end) as own_net_minor,
        sum(case when is_own then sale_minor else 0 end) as own_sale_minor,
        sum(case when is_own then refund_minor else 0 end) as own_refund_minor
    from in_own_currency
    group by customer_id, source, order_id

),

totals as (

    select
        customer_id,
        min(counted_at) as first_order_at,
        max(counted_at) as last_order_at,
        count(counted_at) as order_count,
        count(own_counted_at) as own_order_count,
        count(came_back) as refund_count,
        cast(sum(own_net_minor) as bigint) as net_revenue_minor,
        cast(sum(own_sale_minor) as bigint) as sale_minor,
        cast(sum(own_refund_minor) as bigint) as refund_minor
    from orders
    group by customer_id

)

select
    *,
    {{ divide_whole('net_revenue_minor', 'own_order_count') }} as average_order_minor,
    case when sale_minor > 0 then cast(refund_minor as double) / cast(sale_minor as double) end as return_rate
from totals
