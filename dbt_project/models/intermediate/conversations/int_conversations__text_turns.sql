{#- SMS and its like; what our own outreach tells stands there. A text that never left answers nobody. -#}
{{ config(materialized='view') }}
select
    texts.source,
    texts.source_record_id,
    'said' as part,
    'sms' as kind,
    texts.occurred_at,
    texts.channel,
    {{ no_text() }} as thread,
    case
        when texts.direction = 'inbound' and {{ is_keyword('texts.body') }} then 'keyword'
        when texts.direction = 'inbound' and {{ is_courtesy('texts.body') }} then 'thanks'
        when texts.direction = 'inbound' then 'ask'
        when texts.status in ('undelivered', 'failed', 'canceled', 'scheduled', 'queued') then 'unsent'
        when mass_texts.skeleton is not null then 'campaign'
        else 'answer'
    end as role,
    texts.direction = 'inbound' as is_inbound,
    {{ no_text() }} as agent,
    {{ no_text() }} as order_id
from {{ ref('stg_landing__sms_messages') }} as texts
left join {{ ref('int_conversations__told') }} as told
    on texts.message_id = told.message_id
left join {{ ref('int_texts__mass_texts') }} as mass_texts
    on texts.direction = 'outbound' and {{ text_skeleton('texts.body') }} = mass_texts.skeleton
where told.message_id is null
