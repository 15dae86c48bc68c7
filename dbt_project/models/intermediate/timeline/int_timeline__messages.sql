{#- Every message that a system exported, but for those that our own records of outreach tell already, with campaign. -#}
with told as (

    select distinct message_id
    from {{ ref('int_outreach__touches') }}
    where customer_id is not null and message_id is not null and (was_attempted or direction = 'inbound')

),

messages as (

    select
        'email_messages' as origin_table,
        message_id,
        source,
        source_record_id,
        occurred_at,
        'email' as channel,
        case when direction = 'outbound' then 'out' when kind = 'auto_reply' then 'none' else 'in' end as direction,
        'email' as kind,
        case when kind = 'auto_reply' then 'Automatic reply: ' else '' end
        || coalesce(subject, 'E-mail without a subject') as title,
        body_text as body,
        {{ no_text() }} as campaign,
        {{ no_text() }} as state
    from {{ ref('stg_landing__email_messages') }}
    where kind not in ('bounce', 'complaint') -- their events tell these

    union all

    select
        'email_events' as origin_table,
        {{ no_text() }} as message_id,
        source,
        source_record_id,
        occurred_at,
        'email' as channel,
        case when event in ('open', 'click', 'spamreport', 'unsubscribe', 'group_unsubscribe', 'group_resubscribe')
            then 'in' else 'none' end as direction,
        'email_event' as kind,
        case event
            when 'open' then case when is_machine then 'E-mail opened by a machine' else 'E-mail opened' end
            when 'click' then 'Link in e-mail followed'
            when 'bounce' then 'E-mail bounced'
            when 'dropped' then 'E-mail not sent on by the provider'
            when 'spamreport' then 'E-mail reported as spam'
            when 'unsubscribe' then 'Unsubscribed from e-mail'
            when 'group_unsubscribe' then 'Unsubscribed from one kind of e-mail'
            when 'group_resubscribe' then 'Subscribed again to one kind of e-mail'
            else 'E-mail ' || event
        end as title,
        coalesce(url, reason) as body,
        campaign,
        event as state
    from {{ ref('stg_landing__email_events') }}
    where not (source = 'rapport' and event = 'delivered') -- our own record of the message tells it

    union all

    select
        'sms_messages' as origin_table,
        message_id,
        source,
        source_record_id,
        occurred_at,
        channel,
        case when direction = 'inbound' then 'in' else 'out' end as direction,
        'sms' as kind,
        {{ channel_name('channel') }} || case when direction = 'inbound' then ' from them' else ' to them' end as title,
        body,
        {{ no_text() }} as campaign,
        status as state
    from {{ ref('stg_landing__sms_messages') }}

    union all

    select
        'chat_messages' as origin_table,
        {{ no_text() }} as message_id,
        source,
        source_record_id,
        occurred_at,
        'chat' as channel,
        case
            when is_private or author_kind = 'system' then 'none'
            when author_kind = 'customer' then 'in'
            else 'out'
        end as direction,
        'chat' as kind,
        case when is_private then 'Internal note' else 'Chat' end
        || coalesce(' about ' || replace(topic, '_', ' '), '') as title,
        body,
        {{ no_text() }} as campaign,
        conversation_status as state
    from {{ ref('stg_landing__chat_messages') }}

)

select
    people.customer_id,
    messages.*,
    messages.kind || ':' || messages.source || ':' || messages.source_record_id as touch_id
from messages
inner join {{ ref('stg_identity__map') }} as people
    on messages.source = people.source and messages.source_record_id = people.source_record_id
left join told
    on messages.message_id = told.message_id
where told.message_id is null
