{#-
  Every product with a name, by its source and its number there: two shops may give one number to two things. On offer is
  what the catalogue lists; of a source that sends none, what it still sold in its last weeks (var on_offer_days).
-#}
with catalogues as (

    select distinct source
    from {{ ref('int_catalogue__products') }}

),

without_catalogue as (

    select
        sold.source,
        max(sold.last_bought_at) as last_sale_at
    from {{ ref('int_purchases__sold') }} as sold
    left join catalogues on sold.source = catalogues.source
    where catalogues.source is null
    group by sold.source

),

products as (

    select
        coalesce(catalogue.source, sold.source) as source,
        coalesce(catalogue.product_id, sold.product_id) as product_id,
        catalogue.product_id is not null as is_listed,
        case when catalogue.product_id is null then sold.name else catalogue.name end as name,
        case when catalogue.product_id is null then sold.category else catalogue.category end as category,
        case when catalogue.product_id is null then sold.price_minor else catalogue.price_minor end as price_minor,
        case when catalogue.product_id is null then sold.currency else catalogue.currency end as currency,
        coalesce(sold.times_bought, 0) as times_bought,
        sold.last_bought_at
    from {{ ref('int_catalogue__products') }} as catalogue
    full outer join {{ ref('int_purchases__sold') }} as sold
        on catalogue.source = sold.source and catalogue.product_id = sold.product_id

)

select
    products.*,
    products.is_listed or coalesce(
        {{ days_between('products.last_bought_at', 'without_catalogue.last_sale_at') }} <= {{ var('on_offer_days') }},
        false
    ) as is_on_offer
from products
left join without_catalogue on products.source = without_catalogue.source
where products.name is not null
