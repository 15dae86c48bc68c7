select
    customer_id,
    count(*) as product_count
from {{ ref('int_purchases__bought') }}
group by customer_id
