{#- One row per order and currency. An order is its lines: sales, and what was given back or put right later. -#}
with lines as (

    select
        *,
        case when line_kind = 'sale' then net_amount_minor else 0 end as sale_minor,
        case when line_kind in ('refund', 'cancellation') then -net_amount_minor else 0 end as back_minor,
        case when line_kind = 'sale' then occurred_at end as sold_at,
        case when line_kind <> 'sale' then occurred_at end as changed_at
    from {{ ref('int_purchases__lines') }}

),

orders as (

    select
        source,
        order_id,
        currency,
        max(customer_id) as customer_id,
        coalesce(min(sold_at), min(occurred_at)) as ordered_at,
        min(changed_at) as changed_at,
        min(source_record_id) as first_record_id,
        count(*) as line_count,
        count(sold_at) as sale_line_count,
        count(case when line_kind = 'cancellation' then 1 end) as cancelled_line_count,
        count(case when line_kind = 'refund' then 1 end) as refunded_line_count,
        cast(sum(net_amount_minor) as bigint) as net_amount_minor,
        cast(sum(sale_minor) as bigint) as sale_minor,
        cast(sum(back_minor) as bigint) as refund_minor
    from lines
    group by source, order_id, currency

),

judged as (

    select
        *,
        case
            when cancelled_line_count > 0 and refund_minor >= sale_minor then 'cancelled'
            when refunded_line_count > 0 and refund_minor >= sale_minor then 'refunded'
            when sale_line_count = 0 then 'adjusted'
            when refund_minor > 0 then 'partly_refunded'
            else 'placed'
        end as status
    from orders

)

select
    *,
    -- an order counts when something was sold in it and it was not taken back whole before it left
    case when sale_line_count > 0 and status <> 'cancelled' then ordered_at end as counted_at,
    case when cancelled_line_count + refunded_line_count > 0 then 1 end as came_back
from judged
