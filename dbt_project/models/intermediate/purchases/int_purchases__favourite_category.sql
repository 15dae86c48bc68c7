with bought as (

    select
        customer_id,
        product_category,
        count(distinct source || ':' || order_id) as order_count,
        sum(quantity) as quantity
    from {{ ref('int_purchases__lines') }}
    where line_kind = 'sale' and customer_id is not null and product_category is not null
    group by customer_id, product_category

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by order_count desc, quantity desc, product_category
        ) as preference
    from bought

)

select
    customer_id,
    product_category as favourite_category
from ranked
where preference = 1
