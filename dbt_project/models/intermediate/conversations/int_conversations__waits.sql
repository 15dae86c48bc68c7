{#-
  How long a person waited: from the first question that was not answered yet to the answer. An answer in one mail thread
  or ticket does not answer what was asked in another; but who asked by SMS is answered by e-mail or a call as well.
  `answered` ends with an answer or a solution; `settled` was ended nobody knows when (its ticket or chat is done or
  waits for the person); `waiting` goes on.
-#}
{%- set in_order = 'order by occurred_at, place rows between 1 following and unbounded following' -%}
with ahead as (

    select
        *,
        min(case when role in ('answer', 'close') then occurred_at end) over (
            partition by conversation_id {{ in_order }}
        ) as any_at,
        min(case when role in ('answer', 'close') and coalesce(thread, '') not like 'mail:%' then occurred_at end) over (
            partition by conversation_id {{ in_order }}
        ) as no_mail_at,
        min(case when role in ('answer', 'close') and coalesce(thread, '') not like 'desk:%' then occurred_at end) over (
            partition by conversation_id {{ in_order }}
        ) as no_desk_at,
        min(case when role in ('answer', 'close') then occurred_at end) over (
            partition by conversation_id, thread {{ in_order }}
        ) as thread_at
    from {{ ref('int_conversations__placed') }}

),

asked as (

    select
        *,
        case
            when thread is null then any_at
            when thread like 'mail:%' then least(coalesce(no_mail_at, thread_at), coalesce(thread_at, no_mail_at))
            else least(coalesce(no_desk_at, thread_at), coalesce(thread_at, no_desk_at))
        end as answered_at
    from ahead
    where role = 'ask'

),

stated as (

    select
        *,
        case when answered_at is not null then 'answered' when is_settled then 'settled' else 'waiting' end as state
    from asked

),

ranked as (

    select
        *,
        row_number() over (partition by conversation_id, state, answered_at order by occurred_at, place) as question,
        count(*) over (partition by conversation_id, state, answered_at) as question_count
    from stated

)

select
    conversation_id,
    customer_id,
    source,
    source_record_id,
    channel,
    occurred_at as asked_at,
    answered_at,
    state,
    question_count,
    place,
    {{ seconds_between('occurred_at', 'answered_at') }} as wait_seconds,
    row_number() over (partition by conversation_id order by occurred_at, place) = 1 as is_first
from ranked
where question = 1
