select
    people.customer_id,
    parcels.shipment_id,
    parcels.order_id,
    parcels.source,
    parcels.source_record_id,
    parcels.occurred_at,
    parcels.status,
    parcels.carrier,
    parcels.tracking_number,
    parcels.shipped_at,
    parcels.estimated_delivery_at,
    parcels.delivered_at,
    parcels.status in ('created', 'in_transit') as is_open
from {{ ref('stg_landing__shipments') }} as parcels
left join {{ ref('stg_identity__map') }} as people
    on parcels.source = people.source and parcels.source_record_id = people.source_record_id
