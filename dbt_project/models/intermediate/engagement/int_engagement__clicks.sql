{#-
  Links that people followed. A campaign's own export counts where no provider reports on the message, for it cannot tell
  a person from a machine. Leaving a list is no answer.
-#}
with known as (

    select distinct message_ref
    from {{ ref('int_engagement__email_events') }}
    where event = 'click' and message_ref is not null

)

select
    customer_id,
    source,
    source_record_id,
    'email' as channel,
    coalesce(message_ref, source_record_id) as message_key,
    occurred_at
from {{ ref('int_engagement__email_events') }}
where
    event = 'click'
    and machine_sign is null
    and customer_id is not null
    and lower(coalesce(url, '')) not like '%unsubscribe%'

union all

select
    touches.customer_id,
    touches.source,
    touches.source_record_id,
    {{ usable_channel('touches.channel') }} as channel,
    coalesce(touches.message_id, touches.source_record_id) as message_key,
    touches.clicked_at as occurred_at
from {{ ref('int_outreach__touches') }} as touches
left join known
    on touches.message_id = known.message_ref
where
    touches.clicked_at is not null
    and touches.was_attempted
    and touches.customer_id is not null
    and {{ usable_channel('touches.channel') }} is not null
    and known.message_ref is null
