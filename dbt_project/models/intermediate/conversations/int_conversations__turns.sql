{#-
  Everything that was said between a person and the company, on every channel, and what it means for waiting:
  ask (the person waits), answer (somebody answered), close (a ticket was solved), thanks (needs no answer), and what
  neither asks nor answers: automatic, campaign, keyword, note, mention, opened (a ticket), unsent. What comes back within so few seconds
  that nobody can have read and typed (automatic_reply_seconds) is a machine's, whoever it says it is from.
-#}
{%- set columns = [
    'source', 'source_record_id', 'part', 'kind', 'occurred_at', 'channel', 'thread', 'role', 'is_inbound', 'agent',
    'order_id'
] | join(', ') -%}
with said as (
{% for kind in ['mail', 'text', 'chat', 'ticket', 'call', 'voice'] %}
    select {{ columns }} from {{ ref('int_conversations__' ~ kind ~ '_turns') }}
    {% if not loop.last %}union all{% endif %}
{% endfor %}
),

owned as (

    select
        people.customer_id,
        said.*
    from said
    inner join {{ ref('stg_identity__map') }} as people
        on said.source = people.source and said.source_record_id = people.source_record_id

    union all

    select customer_id, {{ columns }}
    from {{ ref('int_conversations__outreach_turns') }}
    where customer_id is not null

),

sequence as (

    select
        *,
        max(case when is_inbound then occurred_at end) over (
            partition by customer_id, {{ talk_channel('channel') }}
            order by occurred_at, is_inbound desc, source, source_record_id, part
            rows between unbounded preceding and 1 preceding
        ) as heard_at
    from owned

)

select
    sequence.customer_id,
    sequence.source,
    sequence.source_record_id,
    sequence.part,
    sequence.kind || ':' || sequence.source || ':' || sequence.source_record_id as touch_id,
    sequence.occurred_at,
    sequence.channel,
    sequence.thread,
    case
        when
            sequence.role = 'answer'
            and sequence.channel <> 'voice'
            and coalesce(sequence.thread, '') not like 'desk:%'
            and {{ seconds_between('sequence.heard_at', 'sequence.occurred_at') }} < {{ var('automatic_reply_seconds') }}
            then 'automatic'
        else sequence.role
    end as role,
    sequence.is_inbound,
    sequence.agent,
    sequence.order_id,
    coalesce(threads.state in ('done', 'pending'), false) as is_settled
from sequence
left join {{ ref('int_conversations__threads') }} as threads
    on sequence.thread = threads.thread
