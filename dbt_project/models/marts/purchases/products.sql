with bought as (

    select
        product_id,
        count(distinct source || ':' || order_id) as times_bought,
        max(occurred_at) as last_bought_at
    from {{ ref('int_purchases__lines') }}
    where line_kind = 'sale' and product_id is not null
    group by product_id

),

described as (

    select product_id, name, category, price_minor, currency, occurred_at, 0 as is_line
    from {{ ref('int_purchases__catalogue') }}

    union all

    -- sources that send no catalogue: the words of the newest line stand in
    select product_id, product_name, product_category, unit_price_minor, currency, occurred_at, 1 as is_line
    from {{ ref('int_purchases__lines') }}
    where line_kind = 'sale' and product_id is not null and product_name is not null

),

ranked as (

    select
        *,
        row_number() over (
            partition by product_id
            order by is_line, occurred_at desc, name, price_minor desc nulls last
        ) as preference
    from described

)

select
    ranked.product_id,
    ranked.name,
    ranked.category,
    ranked.price_minor,
    ranked.currency,
    coalesce(bought.times_bought, 0) as times_bought
from ranked
left join bought
    on ranked.product_id = bought.product_id
where ranked.preference = 1
