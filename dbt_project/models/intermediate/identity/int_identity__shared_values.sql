{#-
  Identifiers that stand beside too many different people to be anybody's: a kiosk's phone, a shop's own mailbox, the
  customer number of every guest. A plain count with a limit per type (vars), on records that carry both.
-#}
with pairs as (

    select
        records.source,
        keys.email_key,
        records.phone,
        {{ namespaced('records.external_id', 'records.source') }} as external_id,
        {{ namespaced('lower(records.handle)', 'records.source') }} as handle
    from {{ ref('int_identity__records') }} as records
    left join {{ ref('int_identity__email_keys') }} as keys
        on records.email = keys.email

),

counts as (
{% for type, column, beside, limit in [
    ('email', 'email_key', 'external_id', 'people_per_email'),
    ('phone', 'phone', 'external_id', 'people_per_phone'),
    ('phone', 'phone', 'email_key', 'people_per_phone'),
    ('handle', 'handle', 'email_key', 'people_per_handle'),
    ('external_id', 'external_id', 'email_key', 'emails_per_external_id'),
] %}
    select
        '{{ type }}' as identifier_type,
        {{ column }} as match_key
    from pairs
    where {{ column }} is not null and {{ beside }} is not null
    {%- if beside == 'external_id' %}
    group by {{ column }}, source
    {%- else %}
    group by {{ column }}
    {%- endif %}
    having count(distinct {{ beside }}) > {{ var(limit) }}
    {% if not loop.last %}union all{% endif %}
{% endfor %}
),

-- a help desk's conversation may have readers in copy: it then proves nothing about who any of them is
crowded as (

    select
        'conversation' as identifier_type,
        chats.source || ':' || chats.conversation_id as match_key
    from {{ ref('stg_landing__chat_messages') }} as chats
    left join {{ ref('int_identity__email_keys') }} as keys
        on chats.email = keys.email
    where chats.author_kind = 'customer'
    group by chats.source, chats.conversation_id
    having
        count(distinct chats.external_id) > {{ var('people_per_conversation') }}
        or count(distinct keys.email_key) > {{ var('people_per_conversation') }}

)

select distinct
    identifier_type,
    match_key,
    'shared' as reason
from counts

union all

select
    identifier_type,
    match_key,
    'shared' as reason
from crowded
