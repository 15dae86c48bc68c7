{#-
  The days on which each person ordered, and how long usually passes between them: the median of the gaps, for one long
  pause moves a mean and not a median. It takes two gaps to call one of them usual.
-#}
with order_days as (

    select distinct
        customer_id,
        cast(counted_at as date) as ordered_on
    from {{ ref('int_purchases__orders') }}
    where customer_id is not null and counted_at is not null

),

spans as (

    select
        customer_id,
        count(*) as order_day_count,
        min(ordered_on) as first_ordered_on,
        max(ordered_on) as last_ordered_on
    from order_days
    group by customer_id

),

gaps as (

    select
        order_days.customer_id,
        {{ days_between(
            'lag(order_days.ordered_on) over (partition by order_days.customer_id order by order_days.ordered_on)',
            'order_days.ordered_on'
        ) }} as gap_days
    from order_days
    inner join spans on order_days.customer_id = spans.customer_id and spans.order_day_count > 2

),

usual as (

    select
        customer_id,
        {{ lower_median('gap_days') }} as usual_gap_days
    from gaps
    where gap_days is not null
    group by customer_id

)

select
    spans.customer_id,
    spans.order_day_count,
    spans.first_ordered_on,
    spans.last_ordered_on,
    usual.usual_gap_days
from spans
left join usual on spans.customer_id = usual.customer_id
