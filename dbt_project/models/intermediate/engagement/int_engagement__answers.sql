{#-
  What people did on a channel that we can use: they wrote, called, took a call, followed a link, filled in a survey. It
  tells where somebody can be reached. A machine's click is none, nor is leaving a list.
-#}
with acts as (

    select source, source_record_id, 'voice' as channel, 'call' as kind, occurred_at
    from {{ ref('stg_landing__calls') }}
    where
        status <> 'canceled'
        -- whoever calls us has chosen the phone, also where nobody answered
        and (direction = 'inbound' or (status = 'completed' and coalesce(duration_seconds, 1) > 0))

    union all

    select source, source_record_id, {{ usable_channel('channel') }} as channel, 'ticket' as kind, occurred_at
    from {{ ref('stg_landing__tickets') }}

    union all

    select source, source_record_id, {{ usable_channel('channel') }} as channel, 'survey' as kind, occurred_at
    from {{ ref('stg_landing__survey_responses') }}

    union all

    select source, source_record_id, {{ usable_channel('channel') }} as channel, 'message' as kind, occurred_at
    from {{ ref('stg_landing__chat_messages') }}
    where author_kind = 'customer' and not is_private

)

select
    people.customer_id,
    acts.source,
    acts.source_record_id,
    acts.channel,
    acts.kind,
    acts.source || ' ' || acts.source_record_id as message_key,
    acts.occurred_at
from acts
inner join {{ ref('stg_identity__map') }} as people
    on acts.source = people.source and acts.source_record_id = people.source_record_id
where acts.channel is not null

union all

select
    customer_id,
    source,
    source_record_id,
    {{ usable_channel('channel') }} as channel,
    'message' as kind,
    source || ' ' || source_record_id as message_key,
    occurred_at
from {{ ref('int_messages__messages') }}
where is_inbound and not is_keyword and {{ usable_channel('channel') }} is not null

union all

select
    customer_id,
    source,
    source_record_id,
    channel,
    'click' as kind,
    message_key,
    occurred_at
from {{ ref('int_engagement__clicks') }}
