{{ config(tags=['after_scoring']) }}

select
    customer_id,
    probability_alive,
    expected_orders_90d,
    expected_orders_365d,
    expected_order_minor,
    value_90d_minor,
    value_365d_minor,
    next_order_expected_at,
    note
from {{ source('scoring', 'lifetime_value') }}
