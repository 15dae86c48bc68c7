{#-
  Where somebody may be complaining and nobody has settled it: what the help desk calls a complaint and has not closed, calls by their
  topic, bad reviews without a reply, and texts of open conversations, which are read afterwards (text_key). What came by our own
  receiver was read there at once. It speaks of no day: how old is too old is for whoever reads it.
-#}
{%- set tables = [
    'tickets', 'chat_messages', 'email_messages', 'sms_messages', 'social_messages', 'form_submissions'
] -%}
with placed as (

    select
        placed.*,
        talks.is_open_complaint
    from {{ ref('int_conversations__placed') }} as placed
    inner join {{ ref('int_conversations__conversations') }} as talks
        on placed.conversation_id = talks.conversation_id
    where talks.is_open and placed.is_inbound and placed.part = 'said' and placed.source <> 'rapport'

),

desk as (

    select
        placed.customer_id,
        placed.source,
        placed.thread as record_id,
        placed.conversation_id,
        min(threads.opened_at) as opened_at,
        max(placed.occurred_at) as said_at
    from placed
    inner join {{ ref('int_conversations__threads') }} as threads
        on placed.thread = threads.thread
    where threads.is_complaint and threads.state in ('open', 'pending')
    group by placed.customer_id, placed.source, placed.thread, placed.conversation_id

),

written as (
{% for table in tables %}
    select
        placed.*,
        {{ text_key(said(table, 'here')) }} as text_key
    from placed
    inner join {{ ref('stg_landing__' ~ table) }} as here
        on placed.source = here.source and placed.source_record_id = here.source_record_id
    where not placed.is_open_complaint
    {% if not loop.last %}union all{% endif %}
{% endfor %}
),

reviews as (

    select
        judged.customer_id,
        here.source,
        here.source_record_id,
        here.occurred_at,
        judged.verdict = 'bad' as is_bad,
        {{ text_key(said('reviews', 'here')) }} as text_key
    from {{ ref('stg_landing__reviews') }} as here
    inner join {{ ref('int_feedback__judged') }} as judged
        on here.source = judged.source and here.source_record_id = judged.source_record_id
    where
        judged.customer_id is not null
        and coalesce(judged.verdict, '') <> 'good'
        and here.replied_at is null and coalesce(trim(here.reply_text), '') = ''

)

select
    customer_id,
    source,
    record_id,
    conversation_id,
    opened_at,
    said_at,
    'desk' as basis,
    {{ no_text() }} as text_key
from desk

union all

select
    placed.customer_id,
    placed.source,
    placed.source_record_id as record_id,
    placed.conversation_id,
    placed.occurred_at as opened_at,
    placed.occurred_at as said_at,
    'call' as basis,
    {{ no_text() }} as text_key
from placed
inner join {{ ref('stg_landing__calls') }} as calls
    on placed.source = calls.source and placed.source_record_id = calls.source_record_id
where
    not placed.is_open_complaint
    and ({{ names_complaint('calls.topic') }} or {{ names_complaint('calls.summary') }})

union all

select
    customer_id,
    source,
    source_record_id as record_id,
    conversation_id,
    occurred_at as opened_at,
    occurred_at as said_at,
    'text' as basis,
    text_key
from written
where text_key is not null

union all

select
    customer_id,
    source,
    source_record_id as record_id,
    source || ':' || source_record_id as conversation_id,
    occurred_at as opened_at,
    occurred_at as said_at,
    case when is_bad then 'review' else 'text' end as basis,
    case when not coalesce(is_bad, false) then text_key end as text_key
from reviews
where coalesce(is_bad, false) or text_key is not null
