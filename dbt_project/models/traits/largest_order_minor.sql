select
    customer_id,
    max(sale_minor) as largest_order_minor
from {{ ref('int_purchases__orders') }}
where customer_id is not null and sale_line_count > 0 and currency = '{{ var("currency") }}'
group by customer_id
