{#-
  What a help desk knows of a chat or ticket as a whole, as it was last heard of: open (somebody has to answer), pending
  (waits for the customer), done, or NULL where it does not say. A ticket knows better than the chat messages inside it.
-#}
{{ config(materialized='view') }}{#- small, and of nobody in particular: a table could not be kept up by parts -#}
with chats as (

    select
        *,
        'desk:' || source || ':' || conversation_id as thread,
        row_number() over (
            partition by source, conversation_id
            order by occurred_at desc, source_record_id desc
        ) as newest
    from {{ ref('stg_landing__chat_messages') }}

),

talks as (

    select
        thread,
        max(case when newest = 1 then conversation_status end) as status,
        max(case when newest = 1 then topic end) as topic,
        min(occurred_at) as first_at,
        count(case when author_kind = 'customer' and not is_private then 1 end) as customer_messages,
        count(case when author_kind = 'agent' and not is_private then 1 end) as agent_messages
    from chats
    group by thread

),

tickets as (

    select
        *,
        'desk:' || source || ':' || ticket_id as thread,
        row_number() over (
            partition by source, ticket_id
            order by occurred_at desc, source_record_id desc
        ) as newest
    from {{ ref('stg_landing__tickets') }}

)

select
    coalesce(tickets.thread, talks.thread) as thread,
    case coalesce(tickets.status, talks.status)
        when 'pending' then 'pending'
        when 'solved' then 'done'
        when 'closed' then 'done'
        when 'resolved' then 'done'
        when 'new' then 'open'
        when 'hold' then 'open'
        else coalesce(tickets.status, talks.status)
    end as state,
    tickets.ticket_id,
    coalesce(tickets.kind, talks.topic) as topic,
    {{ names_complaint('tickets.kind') }} or {{ names_complaint('tickets.tags') }}
    or {{ names_complaint('talks.topic') }} as is_complaint,
    coalesce(tickets.occurred_at, talks.first_at) as opened_at,
    coalesce(talks.customer_messages, 0) as customer_messages,
    coalesce(talks.agent_messages, 0) as agent_messages
from talks
full outer join tickets
    on talks.thread = tickets.thread
where coalesce(tickets.newest, 1) = 1
