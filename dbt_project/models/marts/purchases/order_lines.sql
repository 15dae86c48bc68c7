{{ config(materialized='view') }}

select
    source,
    source_record_id,
    customer_id,
    order_id,
    occurred_at,
    line_kind,
    product_id,
    product_name,
    product_category,
    quantity,
    unit_price_minor,
    net_amount_minor,
    currency
from {{ ref('int_purchases__lines') }}
