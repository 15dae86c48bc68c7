{#-
  What each source reports of a message or call to somebody: that it went out, that it arrived, that it failed. Several
  may report one message; `message_key` is what they have in common. A mail that the provider dropped or puts off, and one of
  which only the unsubscription is told, has not gone out as far as this report knows: it has no `sent_at`.
-#}
{%- set no_time = 'cast(null as timestamp)' -%}
with reports as (

    select
        source,
        source_record_id,
        'email' as channel,
        message_ref as message_id,
        campaign,
        case when event in ('processed', 'delivered', 'bounce', 'open', 'click', 'spamreport') then occurred_at end as sent_at,
        -- an open or a click proves the arrival, by whomever
        case when event in ('delivered', 'open', 'click') then occurred_at end as arrived_at,
        case when event in ('bounce', 'dropped') then occurred_at end as failed_at,
        case when event = 'spamreport' then occurred_at end as complained_at,
        case when event in ('unsubscribe', 'group_unsubscribe') then occurred_at end as left_at
    from {{ ref('stg_landing__email_events') }}
    where message_ref is not null and event <> 'group_resubscribe'

    union all

    select
        source, source_record_id, 'email' as channel, message_id, {{ no_text() }} as campaign, occurred_at as sent_at,
        {{ no_time }} as arrived_at, {{ no_time }} as failed_at, {{ no_time }} as complained_at, {{ no_time }} as left_at
    from {{ ref('stg_landing__email_messages') }}
    where direction = 'outbound' and kind = 'letter'

    union all

    select
        source, source_record_id, {{ usable_channel('channel') }} as channel, message_id,
        {{ no_text() }} as campaign, occurred_at as sent_at,
        case when status in ('delivered', 'read') then occurred_at end as arrived_at,
        case when status in ('failed', 'undelivered') then occurred_at end as failed_at,
        {{ no_time }} as complained_at, {{ no_time }} as left_at
    from {{ ref('stg_landing__sms_messages') }}
    where direction = 'outbound' and status not in ('canceled', 'scheduled', 'queued')

    union all

    select
        source, source_record_id, 'voice' as channel, call_id as message_id,
        {{ no_text() }} as campaign, occurred_at as sent_at,
        case when status = 'completed' and coalesce(duration_seconds, 1) > 0 then occurred_at end as arrived_at,
        case when status = 'failed' then occurred_at end as failed_at,
        {{ no_time }} as complained_at, {{ no_time }} as left_at
    from {{ ref('stg_landing__calls') }}
    where direction = 'outbound' and status <> 'canceled'

)

select
    people.customer_id,
    reports.source,
    reports.source_record_id,
    reports.channel,
    coalesce(reports.message_id, reports.source || ' ' || reports.source_record_id) as message_key,
    reports.campaign,
    reports.sent_at,
    reports.arrived_at,
    reports.failed_at,
    reports.complained_at,
    reports.left_at
from reports
inner join {{ ref('stg_identity__map') }} as people
    on reports.source = people.source and reports.source_record_id = people.source_record_id

union all

select
    customer_id,
    source,
    source_record_id,
    {{ usable_channel('channel') }} as channel,
    coalesce(message_id, source || ' ' || source_record_id) as message_key,
    campaign,
    occurred_at as sent_at,
    case when state in ('delivered', 'read', 'clicked') then coalesce(delivered_at, occurred_at) end as arrived_at,
    case when state in ('failed', 'undelivered') then occurred_at end as failed_at,
    {{ no_time }} as complained_at,
    {{ no_time }} as left_at
from {{ ref('int_outreach__touches') }}
where was_attempted and customer_id is not null
