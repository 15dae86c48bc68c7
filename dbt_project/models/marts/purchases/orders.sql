{{ config(materialized='view') }}

select
    customer_id,
    order_id,
    source,
    ordered_at,
    status,
    line_count,
    net_amount_minor,
    refund_minor,
    currency
from {{ ref('int_purchases__orders') }}
