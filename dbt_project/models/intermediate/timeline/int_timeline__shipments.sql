with parcels as (

    select
        *,
        {{ days_between('estimated_delivery_at', 'delivered_at') }} as days_late,
        'Parcel' || coalesce(' by ' || carrier, '') || coalesce(' for order ' || order_id, '') as parcel
    from {{ ref('int_shipments__shipments') }}

),

steps as (

    select
        *,
        'sent' as step,
        coalesce(shipped_at, occurred_at) as step_at,
        parcel || case
            when status = 'failed' then ' sent, could not be delivered'
            when shipped_at is null then ' announced'
            else ' on its way'
        end as title
    from parcels

    union all

    select
        *,
        'arrived' as step,
        delivered_at as step_at,
        parcel || ' delivered'
        || case
            when days_late > 0 then ', ' || {{ counted('days_late', 'day') }} || ' late'
            else ''
        end as title
    from parcels
    where delivered_at is not null

)

select
    customer_id,
    step_at as occurred_at,
    'parcel' as channel,
    'shipments' as origin_table,
    'out' as direction,
    'shipment' as kind,
    title,
    {{ no_text() }} as body,
    source,
    source_record_id,
    'shipment:' || step || ':' || source || ':' || source_record_id as touch_id,
    case when step = 'arrived' then 'delivered' else status end as state,
    order_id,
    shipment_id
from steps
