{#-
  The products with a number that each person bought last, newest first, var recent_products of them at most: a reseller
  with thousands would say little about what belongs together, and cost the square of it.
-#}
with ranked as (

    select
        customer_id,
        source,
        product_id,
        row_number() over (
            partition by customer_id
            order by last_bought_at desc, source, product_id
        ) as place
    from {{ ref('int_purchases__bought') }}
    where product_id is not null

)

select *
from ranked
where place <= {{ var('recent_products') }}
