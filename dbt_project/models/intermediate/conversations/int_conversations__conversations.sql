{#- One row a conversation, with everything that does not change with the day: who still waits, waits since then. -#}
with waited as (

    select
        conversation_id,
        min(asked_at) as first_asked_at,
        max(case when is_first then wait_seconds end) as first_response_seconds,
        max(case when is_first then answered_at end) as first_answered_at,
        max(wait_seconds) as longest_answered_wait_seconds,
        min(case when state = 'waiting' then asked_at end) as waiting_since
    from {{ ref('int_conversations__waits') }}
    group by conversation_id

),

stated as (

    select
        talks.*,
        waited.first_asked_at,
        waited.first_answered_at,
        waited.first_response_seconds,
        waited.longest_answered_wait_seconds,
        waited.waiting_since,
        matters.topic,
        matters.ticket_id,
        matters.ticket_opened_at,
        coalesce(matters.is_complaint, false) as is_complaint,
        coalesce(matters.is_open_complaint, false) as is_open_complaint,
        waited.waiting_since is not null or coalesce(matters.has_open_thread, false) as is_open,
        lag(talks.last_at) over (
            partition by talks.customer_id
            order by talks.started_at, talks.conversation_id
        ) as previous_last_at
    from {{ ref('int_conversations__talks') }} as talks
    left join waited
        on talks.conversation_id = waited.conversation_id
    left join {{ ref('int_conversations__matters') }} as matters
        on talks.conversation_id = matters.conversation_id

)

select
    *,
    case when not is_open and last_answer_at >= first_asked_at then last_answer_at end as resolved_at,
    case
        when not is_open and last_answer_at >= first_asked_at
            then {{ seconds_between('first_asked_at', 'last_answer_at') }}
    end as resolution_seconds,
    is_begun_by_them
    and coalesce({{ seconds_between('previous_last_at', 'started_at') }} <= 7 * 86400, false) as is_repeat_contact
from stated
