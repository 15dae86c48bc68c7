{#- Letters that a person wrote, and machines' answers among them; what our own outreach tells stands there. -#}
{{ config(materialized='view') }}
select
    mails.source,
    mails.source_record_id,
    'said' as part,
    'email' as kind,
    mails.occurred_at,
    'email' as channel,
    'mail:' || mails.thread_id as thread,
    case
        when mails.kind = 'auto_reply' then 'automatic'
        when mails.kind = 'list' then 'campaign'
        when mails.direction = 'outbound' then 'answer'
        when {{ is_courtesy('mails.body_text') }} or {{ says_thanks('mails.subject', 'mails.body_text') }} then 'thanks'
        else 'ask'
    end as role,
    mails.direction = 'inbound' as is_inbound,
    case when mails.direction = 'outbound' then mails.from_email end as agent,
    {{ no_text() }} as order_id
from {{ ref('stg_landing__email_messages') }} as mails
left join {{ ref('int_conversations__told') }} as told
    on mails.message_id = told.message_id
where mails.kind in ('letter', 'auto_reply', 'list') and told.message_id is null
