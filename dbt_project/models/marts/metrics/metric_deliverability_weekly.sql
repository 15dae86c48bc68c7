{#-
  What became of the messages that went out in each week, by channel. An alert tells of complaints above the limit of the
  large mailbox providers, or of failures well above those of the four weeks before; below `alert_floor` messages there
  is none, for a few failures are chance.
-#}
with weeks as (

    select
        {{ week_of('sent_at') }} as week,
        channel,
        count(*) as sent_count,
        count(case when outcome = 'arrived' then 1 end) as arrived_count,
        count(case when outcome = 'failed' then 1 end) as failed_count,
        count(case when outcome = 'unknown' then 1 end) as unknown_count,
        count(complained_at) as complaint_count,
        count(left_at) as unsubscribe_count
    from {{ ref('int_reach__sends') }}
    where channel <> 'voice'
    group by {{ week_of('sent_at') }}, channel

),

judged as (

    select
        *,
        cast(failed_count as double) / sent_count as failed_share,
        cast(complaint_count as double) / sent_count as complaint_share,
        cast(sum(failed_count) over four_before as double) / sum(sent_count) over four_before as usual_failed_share
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
    complaint_count,
    unsubscribe_count,
    failed_share,
    complaint_share,
    usual_failed_share,
    case
        when sent_count < {{ var('alert_floor') }} then null
        when complaint_share >= {{ var('complaint_limit') }} then 'complaints'
        when failed_share > usual_failed_share + {{ var('failure_rise') }} then 'failures'
    end as alert
from judged
