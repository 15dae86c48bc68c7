{#- Messengers and networks, and forms in which something was written. A mention or a like is addressed to others. -#}
{{ config(materialized='view') }}
select
    source,
    source_record_id,
    'said' as part,
    'social' as kind,
    occurred_at,
    channel,
    {{ no_text() }} as thread, -- a messenger has one thread with a person for ever: it says nothing
    case
        when kind in ('mention', 'reaction') then 'mention'
        when direction = 'outbound' then 'answer'
        when {{ is_courtesy('body') }} then 'thanks'
        else 'ask'
    end as role,
    direction = 'inbound' as is_inbound,
    {{ no_text() }} as agent,
    {{ no_text() }} as order_id
from {{ ref('stg_landing__social_messages') }}

union all

select
    source,
    source_record_id,
    'said' as part,
    'form' as kind,
    occurred_at,
    'form' as channel,
    {{ no_text() }} as thread,
    'ask' as role,
    true as is_inbound,
    {{ no_text() }} as agent,
    {{ no_text() }} as order_id
from {{ ref('stg_landing__form_submissions') }}
where message is not null and trim(message) <> ''
