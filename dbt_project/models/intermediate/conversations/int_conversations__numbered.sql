{#-
  Turns with the number of the conversation they belong to, counted per person. Time divides conversations, whatever the
  channel: a turn begins a new one when nothing before reaches so far. A turn reaches conversation_gap_hours; a question
  that nobody has answered reaches until it is, at most waiting_gap_days; and one that has a thread (a mail's, a chat's,
  a ticket's) reaches the next of its thread within thread_gap_days, or however long that was waited for.
-#}
{%- set day = 86400 -%}
{%- set in_order = 'order by occurred_at, role_order, source, source_record_id, part' -%}
with ordered as (

    select
        *,
        role in ('ask', 'thanks', 'answer') as is_talk,
        case role when 'ask' then 1 when 'thanks' then 2 else 3 end as role_order
    from {{ ref('int_conversations__turns') }}

),

ahead as (

    select
        *,
        min(case when role = 'answer' then occurred_at end) over (
            partition by customer_id {{ in_order }} rows between 1 following and unbounded following
        ) as next_answer_at,
        min(case when is_talk and thread is not null then occurred_at end) over (
            partition by customer_id, thread {{ in_order }} rows between 1 following and unbounded following
        ) as next_in_thread_at
    from ordered

),

reaching as (

    select
        *,
        greatest(
            {{ seconds_after('occurred_at', var('conversation_gap_hours') ~ ' * 3600') }},
            case
                when role = 'ask' and not is_settled
                    then least(
                        {{ seconds_after('occurred_at', var('waiting_gap_days') ~ ' * ' ~ day) }},
                        coalesce(next_answer_at, {{ seconds_after('occurred_at', var('waiting_gap_days') ~ ' * ' ~ day) }})
                    )
                else occurred_at
            end,
            case
                when
                    role = 'ask'
                    or next_in_thread_at <= {{ seconds_after('occurred_at', var('thread_gap_days') ~ ' * ' ~ day) }}
                    then coalesce(next_in_thread_at, occurred_at)
                else occurred_at
            end
        ) as reaches_until
    from ahead

),

reached as (

    select
        *,
        coalesce(occurred_at <= max(case when is_talk then reaches_until end) over (
            partition by customer_id {{ in_order }} rows between unbounded preceding and 1 preceding
        ), false) as is_reached
    from reaching

)

select
    customer_id,
    source,
    source_record_id,
    part,
    occurred_at,
    channel,
    thread,
    role,
    role_order,
    is_inbound,
    agent,
    order_id,
    is_settled,
    is_talk,
    -- an automatic reply and a keyword begin nothing, and belong to what they come in between
    case
        when is_talk or (is_reached and thread is null and role in ('automatic', 'keyword'))
            then sum(case when is_talk and not is_reached then 1 else 0 end) over (
                partition by customer_id {{ in_order }} rows between unbounded preceding and current row
            )
    end as number
from reached
