select
    customer_id,
    shipment_id,
    order_id,
    source,
    status,
    carrier,
    tracking_number,
    shipped_at,
    estimated_delivery_at,
    delivered_at,
    case
        when estimated_delivery_at is null then null
        when delivered_at is not null then greatest(0, {{ days_between('estimated_delivery_at', 'delivered_at') }})
        when is_open then greatest(0, {{ days_between('estimated_delivery_at', as_of()) }})
    end as days_late
from {{ ref('int_shipments__shipments') }}
