{#- What went out through us and what came back. A message of no campaign and no template was written by a person. -#}
{{ config(materialized='view') }}
select
    customer_id,
    source,
    source_record_id,
    'said' as part,
    'outreach' as kind,
    occurred_at,
    channel,
    {{ no_text() }} as thread,
    case
        when direction = 'inbound' and {{ is_keyword('body') }} then 'keyword'
        when direction = 'inbound' and {{ is_courtesy('body') }} then 'thanks'
        when direction = 'inbound' then 'ask'
        when not was_sent then 'unsent'
        when campaign is null and template is null then 'answer'
        else 'campaign'
    end as role,
    direction = 'inbound' as is_inbound,
    {{ no_text() }} as agent,
    {{ no_text() }} as order_id
from {{ ref('int_outreach__touches') }}
where was_attempted or direction = 'inbound'
