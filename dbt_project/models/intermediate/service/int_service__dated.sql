{#-
  Customer service as a person met it, in the service_days before as_of; what is open counts however old it is.
  Effort is the worst of those conversations: an answer more that they had to write counts 1 (at most 3), a channel to
  which they had to go on 2 (at most 4), to have to come again within 7 days 3, and a wait of over 4 hours 1, over a day 2,
  over 3 days 3; 10 at most. The idea that effort drives people away is Dixon, Freeman and Toman's (2010), the points ours.
-#}
with talks as (

    select
        *,
        {{ days_between('started_at', as_of()) }} between 0 and {{ var('service_days') }} - 1 as is_recent,
        greatest(
            coalesce(longest_answered_wait_seconds, 0),
            coalesce({{ seconds_between('waiting_since', as_of()) }}, 0)
        ) as longest_wait_seconds
    from {{ ref('int_conversations__conversations') }}

),

weighed as (

    select
        *,
        least(
            10,
            least(3, greatest(0, inbound_count - 1))
            + least(4, 2 * channel_switches)
            + case when is_repeat_contact then 3 else 0 end
            + case
                when longest_wait_seconds > 3 * 86400 then 3
                when longest_wait_seconds > 86400 then 2
                when longest_wait_seconds > 4 * 3600 then 1
                else 0
            end
        ) as effort
    from talks

)

select
    customer_id,
    count(case when is_open then 1 end) as open_conversation_count,
    min(waiting_since) as waiting_since,
    count(case when is_open_complaint then 1 end) as open_complaint_count,
    max(ticket_opened_at) as last_ticket_at,
    {{ whole_percentile('case when is_recent then first_response_seconds end') }} as first_response_median_seconds,
    {{ whole_percentile('case when is_recent then resolution_seconds end') }} as resolution_median_seconds,
    count(case when is_recent and is_repeat_contact then 1 end) as repeat_contacts_7d,
    cast(sum(case when is_recent then channel_switches else 0 end) as bigint) as channel_switch_count,
    cast(max(case when is_recent then effort end) as integer) as effort_score
from weighed
group by customer_id
