{#- Which products each person bought, cancelled orders not counted; one without a number is told apart by its name. -#}
select
    customer_id,
    source,
    coalesce(product_id, product_name) as product_key,
    max(product_id) as product_id,
    max(occurred_at) as last_bought_at
from {{ bought_lines() }} as lines
where coalesce(product_id, product_name) is not null
group by customer_id, source, coalesce(product_id, product_name)
