{#- Chats, and what was said in tickets: help desks keep both as messages of a conversation. -#}
{{ config(materialized='view') }}
select
    source,
    source_record_id,
    'said' as part,
    'chat' as kind,
    occurred_at,
    {{ desk_channel('channel', "author_kind <> 'customer'") }} as channel,
    'desk:' || source || ':' || conversation_id as thread,
    case
        when is_private then 'note'
        when author_kind = 'agent' then 'answer'
        when author_kind <> 'customer' then 'automatic'
        when {{ is_courtesy('body') }} then 'thanks'
        else 'ask'
    end as role,
    author_kind = 'customer' and not is_private as is_inbound,
    case when author_kind = 'agent' then author_name end as agent,
    order_id
from {{ ref('stg_landing__chat_messages') }}
