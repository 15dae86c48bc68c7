{#-
  Every message between a customer and the company. Campaign messages that a provider's export also has count once.
  A keyword (STOP, HELP and their like) obeys the channel's rules; it does not say that one likes to write there.
-#}
{%- set inbound = "direction = 'inbound'" %}
{%- set tables = [
    ('email_messages', "'email'", inbound, 'false', "kind = 'letter'"),
    ('sms_messages', 'channel', inbound, is_keyword('body'), 'true'),
    ('chat_messages', "'chat'", "author_kind = 'customer'", 'false', "author_kind <> 'system' and not is_private"),
    ('social_messages', 'channel', inbound, 'false', "kind not in ('mention', 'reaction')"),
] -%}
{#- Mentions and reactions are addressed to others. -#}
with known_ids as (

    select message_id from {{ ref('stg_landing__email_messages') }}
    union
    select message_id from {{ ref('stg_landing__sms_messages') }}

),

messages as (

    {%- for table, channel, inbound, keyword, condition in tables %}

    select
        source,
        source_record_id,
        occurred_at,
        {{ channel }} as channel,
        {{ inbound }} as is_inbound,
        {{ keyword }} as is_keyword
    from {{ ref('stg_landing__' ~ table) }}
    where {{ condition }}
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

)

select
    people.customer_id,
    messages.source,
    messages.source_record_id,
    messages.occurred_at,
    messages.channel,
    messages.is_inbound,
    messages.is_keyword
from messages
inner join {{ ref('stg_identity__map') }} as people
    on messages.source = people.source and messages.source_record_id = people.source_record_id

union all

select
    outreach.customer_id,
    outreach.source,
    outreach.source_record_id,
    outreach.occurred_at,
    outreach.channel,
    outreach.direction = 'inbound' as is_inbound,
    {{ is_keyword('outreach.body') }} as is_keyword
from {{ ref('int_outreach__touches') }} as outreach
left join known_ids
    on outreach.message_id = known_ids.message_id
where
    outreach.customer_id is not null
    and (outreach.was_sent or outreach.direction = 'inbound')
    and known_ids.message_id is null
