{#-
  What happened to each person that may tell whether they stay, with when it began and ended, so that it can be asked of
  any moment what was known then. Nothing here depends on the day: an answer is slow when it took over a day or is due.
-#}
with orders as (

    select distinct
        customer_id,
        cast(cast(counted_at as date) as timestamp) as began_at
    from {{ ref('int_purchases__orders') }}
    where customer_id is not null and counted_at is not null

),

complaints as (

    select
        customer_id,
        conversation_id,
        started_at as began_at,
        case when not is_open_complaint then coalesce(resolved_at, last_at) end as ended_at
    from {{ ref('int_conversations__conversations') }}
    where is_complaint

),

signals as (

    select customer_id, 'order' as kind, {{ as_text('began_at') }} as signal_id, began_at, null as ended_at, null as mood
    from orders
    union all
    select customer_id, 'late_parcel', source || ':' || source_record_id, {{ days_after('estimated_delivery_at', 1) }}, delivered_at, null
    from {{ ref('int_shipments__shipments') }}
    where is_open or {{ days_between('estimated_delivery_at', 'delivered_at') }} > 0
    union all
    select customer_id, 'complaint', conversation_id, began_at, ended_at, null
    from complaints
    union all
    select customer_id, 'slow_answer', conversation_id || ':' || {{ as_text('place') }}, {{ days_after('asked_at', 1) }}, answered_at, null
    from {{ ref('int_conversations__waits') }}
    where state = 'waiting' or wait_seconds > 86400
    union all
    select customer_id, 'repeat_contact', conversation_id, started_at, null, null
    from {{ ref('int_conversations__conversations') }}
    where is_repeat_contact
    union all
    select customer_id, 'mood', touch_id, occurred_at, null, sentiment
    from {{ ref('int_service__moods') }}

)

select
    customer_id,
    kind,
    signal_id,
    cast(began_at as timestamp) as began_at,
    cast(ended_at as timestamp) as ended_at,
    cast(mood as double) as mood
from signals
where customer_id is not null and began_at is not null
