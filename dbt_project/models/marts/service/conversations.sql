{#- The last projection of conversations: how long who still waits has waited depends on the day (`as_of`). -#}
with dated as (

    select
        *,
        case
            when waiting_since is not null
                then greatest(0, {{ seconds_between('waiting_since', as_of()) }})
        end as waiting_seconds
    from {{ ref('int_conversations__conversations') }}

)

select
    conversation_id,
    customer_id,
    started_at,
    last_at,
    channels,
    first_channel,
    last_channel,
    channel_switches,
    inbound_count,
    outbound_count,
    is_begun_by_them,
    is_repeat_contact,
    first_response_seconds,
    case
        when longest_answered_wait_seconds is null and waiting_seconds is null then null
        else greatest(coalesce(longest_answered_wait_seconds, 0), coalesce(waiting_seconds, 0))
    end as longest_wait_seconds,
    waiting_since,
    waiting_seconds,
    is_open,
    resolved_at,
    resolution_seconds,
    topic,
    is_complaint,
    ticket_id,
    order_id,
    agents
from dated
