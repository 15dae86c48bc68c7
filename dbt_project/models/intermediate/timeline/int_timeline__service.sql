{#- Tickets and calls: what people wanted from the service team. -#}
with tickets as (

    select
        source,
        source_record_id,
        occurred_at,
        coalesce(channel, 'ticket') as channel,
        'tickets' as origin_table,
        'in' as direction,
        'ticket' as kind,
        case kind when 'complaint' then 'Complaint' else 'Ticket' end || coalesce(': ' || subject, '') as title,
        description as body,
        status as state
    from {{ ref('stg_landing__tickets') }}

),

calls as (

    select
        source,
        source_record_id,
        occurred_at,
        'voice' as channel,
        'calls' as origin_table,
        case direction when 'inbound' then 'in' else 'out' end as direction,
        'call' as kind,
        case direction when 'inbound' then 'Call from them' else 'Call to them' end
        || case status
            when 'no_answer' then ', not answered'
            when 'busy' then ', line busy'
            when 'failed' then ', failed'
            when 'canceled' then ', given up'
            when 'voicemail' then ', left a message'
            else ''
        end
        || coalesce(' about ' || replace(topic, '_', ' '), '') as title,
        coalesce(summary, transcript) as body,
        status as state
    from {{ ref('stg_landing__calls') }}

),

touches as (

    select * from tickets
    union all
    select * from calls

)

select
    people.customer_id,
    touches.*,
    touches.kind || ':' || touches.source || ':' || touches.source_record_id as touch_id
from touches
inner join {{ ref('stg_identity__map') }} as people
    on touches.source = people.source and touches.source_record_id = people.source_record_id
