{#- A shop's own products: the newest record of each product number, should several records speak of it. -#}
with ranked as (

    select
        *,
        row_number() over (
            partition by source, product_id
            order by occurred_at desc, source_record_id desc
        ) as newest
    from {{ ref('stg_landing__products') }}

)

select
    source,
    product_id,
    name,
    category,
    price_minor,
    currency,
    occurred_at
from ranked
where newest = 1
