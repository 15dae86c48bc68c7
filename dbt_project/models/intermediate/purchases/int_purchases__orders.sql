{#-
  One row per order and currency. An order is its lines: sales, and what was given back or put right later. A line that names
  nobody is of whom the others name. Where lines name different people, two orders have one number (a shop began to count
  anew), and each has their own: nobody pays for another.
-#}
with owners as (

    select
        source,
        order_id,
        min(customer_id) as customer_id
    from {{ ref('int_purchases__lines') }}
    where customer_id is not null
    group by source, order_id
    having min(customer_id) = max(customer_id)

),

lines as (

    select
        lines.source,
        lines.order_id,
        lines.currency,
        lines.source_record_id,
        lines.occurred_at,
        lines.line_kind,
        lines.net_amount_minor,
        coalesce(lines.customer_id, owners.customer_id) as customer_id,
        case when line_kind = 'sale' then net_amount_minor else 0 end as sale_minor,
        case when line_kind in ('refund', 'cancellation') then -net_amount_minor else 0 end as back_minor,
        case when line_kind = 'sale' then occurred_at end as sold_at,
        case when line_kind <> 'sale' then occurred_at end as changed_at
    from {{ ref('int_purchases__lines') }} as lines
    left join owners on lines.source = owners.source and lines.order_id = owners.order_id

),

orders as (

    select
        source,
        order_id,
        currency,
        customer_id,
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
    group by source, order_id, currency, customer_id

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
    source || ':' || order_id || ':' || currency || case
        when count(*) over (partition by source, order_id, currency) > 1 then ':' || first_record_id
        else ''
    end as order_key,
    -- an order counts when something was sold in it and it was not taken back whole before it left
    case when sale_line_count > 0 and status <> 'cancelled' then ordered_at end as counted_at,
    case when cancelled_line_count + refunded_line_count > 0 then 1 end as came_back
from judged
