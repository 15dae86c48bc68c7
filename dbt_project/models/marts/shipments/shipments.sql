{#-
  Depends on the day (`as_of`): how late a parcel is, and whether anybody still waits for it. Of one that was promised months
  ago and never reported as arrived, the source forgot to tell: nobody waits for it, and it is late no longer.
-#}
with parcels as (

    select
        *,
        is_open and coalesce(
            {{ days_between('coalesce(estimated_delivery_at, shipped_at, occurred_at)', as_of()) }}
            <= {{ var('parcel_days') }},
            true
        ) as is_awaited
    from {{ ref('int_shipments__shipments') }}

)

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
    is_awaited,
    case
        when estimated_delivery_at is null then null
        when delivered_at is not null then greatest(0, {{ days_between('estimated_delivery_at', 'delivered_at') }})
        when is_awaited then greatest(0, {{ days_between('estimated_delivery_at', as_of()) }})
    end as days_late
from parcels
