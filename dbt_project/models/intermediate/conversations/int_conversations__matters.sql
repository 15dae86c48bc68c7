{#- What conversations are about, as help desks name it; of several tickets or chats in one, the one opened last. -#}
{{ config(materialized='view') }}
with tied as (

    select distinct
        conversation_id,
        thread
    from {{ ref('int_conversations__placed') }}
    where thread like 'desk:%'

)

select
    tied.conversation_id,
    {{ newest('threads.topic', 'threads.opened_at') }} as topic,
    {{ newest('threads.ticket_id', 'threads.opened_at') }} as ticket_id,
    max(case when threads.ticket_id is not null then threads.opened_at end) as ticket_opened_at,
    max(case when threads.state in ('open', 'pending') then 1 else 0 end) = 1 as has_open_thread,
    max(case when threads.is_complaint then 1 else 0 end) = 1 as is_complaint,
    max(case when threads.is_complaint and threads.state in ('open', 'pending') then 1 else 0 end) = 1 as is_open_complaint
from tied
inner join {{ ref('int_conversations__threads') }} as threads
    on tied.thread = threads.thread
group by tied.conversation_id
