{#-
  What became of the messages that went out in each week, by channel, and how many the provider dropped before they did. An
  alert tells of complaints above the limit of the large mailbox providers, or of messages that failed or were dropped well
  above the four weeks before; below `alert_floor` messages there is none, for a few failures are chance.
-#}
with dropped as (

    select
        channel,
        message_key,
        max(failed_at) as dropped_at
    from {{ ref('int_reach__reports') }}
    where channel <> 'voice'
    group by customer_id, channel, message_key
    having min(sent_at) is null and max(failed_at) is not null

),

messages as (

    select
        {{ week_of('sent_at') }} as week,
        channel,
        outcome,
        complained_at,
        left_at
    from {{ ref('int_reach__sends') }}
    where channel <> 'voice'

    union all

    select
        {{ week_of('dropped_at') }} as week,
        channel,
        'dropped' as outcome,
        cast(null as timestamp) as complained_at,
        cast(null as timestamp) as left_at
    from dropped

),

weeks as (

    select
        week,
        channel,
        count(case when outcome <> 'dropped' then 1 end) as sent_count,
        count(case when outcome = 'arrived' then 1 end) as arrived_count,
        count(case when outcome = 'failed' then 1 end) as failed_count,
        count(case when outcome = 'unknown' then 1 end) as unknown_count,
        count(case when outcome = 'dropped' then 1 end) as dropped_count,
        count(complained_at) as complaint_count,
        count(left_at) as unsubscribe_count
    from messages
    group by week, channel

),

judged as (

    select
        *,
        cast(failed_count as double) / nullif(sent_count, 0) as failed_share,
        cast(complaint_count as double) / nullif(sent_count, 0) as complaint_share,
        cast(sum(failed_count) over four_before as double) / nullif(sum(sent_count) over four_before, 0) as usual_failed_share,
        cast(dropped_count as double) / (sent_count + dropped_count) as dropped_share,
        cast(sum(dropped_count) over four_before as double)
        / sum(sent_count + dropped_count) over four_before as usual_dropped_share
    from weeks
    window four_before as (partition by channel order by week rows between 4 preceding and 1 preceding)

)

select
    week,
    channel,
    sent_count,
    arrived_count,
    failed_count,
    unknown_count,
    dropped_count,
    complaint_count,
    unsubscribe_count,
    failed_share,
    complaint_share,
    usual_failed_share,
    dropped_share,
    usual_dropped_share,
    case
        when sent_count >= {{ var('alert_floor') }} and complaint_share >= {{ var('complaint_limit') }} then 'complaints'
        when sent_count >= {{ var('alert_floor') }} and failed_share > usual_failed_share + {{ var('failure_rise') }}
            then 'failures'
        when sent_count + dropped_count >= {{ var('alert_floor') }}
            and dropped_share > usual_dropped_share + {{ var('failure_rise') }} then 'dropped'
    end as alert
from judged
