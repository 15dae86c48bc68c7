{#- What each source sold of each of its products, and the words of the newest line that names it. -#}
with sold as (

    select
        source,
        product_id,
        count(distinct order_id) as times_bought,
        max(occurred_at) as last_bought_at,
        {{ largest({
            'is_named': 'case when product_name is null then 0 else 1 end',
            'occurred_at': 'occurred_at',
            'name': "coalesce(product_name, '')",
            'price_minor': 'coalesce(unit_price_minor, -1)',
            'category': "coalesce(product_category, '')",
            'currency': 'currency',
        }) }} as newest
    from {{ ref('int_purchases__lines') }}
    where line_kind = 'sale' and product_id is not null
    group by source, product_id

)

select
    source,
    product_id,
    times_bought,
    last_bought_at,
    nullif(newest.name, '') as name,
    nullif(newest.category, '') as category,
    nullif(newest.price_minor, -1) as price_minor,
    newest.currency as currency
from sold
