{#-
  Who came in a month, how many of them bought in each month since, and what those orders brought in the company's
  currency, net of what came back of them later. Months are UTC and run to the month of the last order, months without
  a sale included.
-#}
with orders as (

    select
        customer_id,
        {{ month_of('ordered_at') }} as month,
        counted_at,
        case when currency = '{{ var("currency") }}' then net_amount_minor else 0 end as net_amount_minor
    from {{ ref('int_purchases__orders') }}
    where customer_id is not null

),

first_months as (

    -- who only ever gave back has no first order: that money counts from the month in which it first moved
    select
        customer_id,
        coalesce({{ month_of('min(counted_at)') }}, min(month)) as cohort_month,
        count(counted_at) > 0 as has_bought
    from orders
    group by customer_id

),

last_month as (

    select max(month) as last_month
    from orders

),

cohorts as (

    select
        first_months.cohort_month,
        last_month.last_month,
        count(case when first_months.has_bought then 1 end) as customer_count
    from first_months
    cross join last_month
    group by first_months.cohort_month, last_month.last_month

),

grid as (

    select
        cohort_month,
        customer_count,
        {{ each_month('cohort_month', 'last_month') }} as month
    from cohorts

),

bought as (

    select
        first_months.cohort_month,
        -- money put right before the first order counts with it
        greatest(orders.month, first_months.cohort_month) as month,
        count(distinct case when orders.counted_at is not null then orders.customer_id end) as active_count,
        cast(sum(orders.net_amount_minor) as bigint) as net_amount_minor
    from orders
    inner join first_months on orders.customer_id = first_months.customer_id
    group by first_months.cohort_month, greatest(orders.month, first_months.cohort_month)

)

select
    grid.cohort_month,
    grid.month,
    {{ months_between('grid.cohort_month', 'grid.month') }} as months_since,
    grid.customer_count,
    coalesce(bought.active_count, 0) as active_count,
    case when grid.customer_count > 0 then cast(coalesce(bought.active_count, 0) as double) / grid.customer_count end
        as retention,
    coalesce(bought.net_amount_minor, 0) as net_amount_minor
from grid
left join bought on grid.cohort_month = bought.cohort_month and grid.month = bought.month
