{#- The categories that each person buys from: the one in most of their orders first; pieces, then the alphabet, settle a tie. -#}
with ordered as (

    select
        customer_id,
        product_category,
        source,
        order_id,
        sum(quantity) as quantity
    from {{ bought_lines() }} as lines
    where product_category is not null
    group by customer_id, product_category, source, order_id

),

bought as (

    select
        customer_id,
        product_category,
        count(*) as order_count,
        sum(quantity) as quantity
    from ordered
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

),

favourites as (

    select
        customer_id,
        max(case when preference = 1 then product_category end) as first_category,
        max(case when preference = 2 then product_category end) as second_category,
        max(case when preference = 3 then product_category end) as third_category
    from ranked
    where preference <= 3
    group by customer_id

)

select
    customer_id,
    first_category as favourite_category,
    first_category || coalesce(', ' || second_category, '') || coalesce(', ' || third_category, '') as categories
from favourites
