{#-
  Of the people whom we wrote to in a week, how many answered on that channel within seven days. The last weeks are not
  settled yet: answers may still come, so that they give no alert. An alert is a drop by `alert_drop` against the four
  weeks before that is also beyond chance (two standard errors of a share).
-#}
with written as (

    select
        {{ week_of('sent_at') }} as week,
        channel,
        customer_id,
        min(sent_at) as first_sent_at
    from {{ ref('int_reach__sends') }}
    where outcome <> 'failed'
    group by {{ week_of('sent_at') }}, channel, customer_id

),

answer_days as (

    select distinct
        customer_id,
        channel,
        cast(occurred_at as date) as on_day
    from {{ ref('int_engagement__answers') }}

),

answered as (

    select
        written.week,
        written.channel,
        written.customer_id,
        max(case when answer_days.on_day is not null then 1 else 0 end) as has_answered
    from written
    left join answer_days
        on
            written.customer_id = answer_days.customer_id
            and written.channel = answer_days.channel
            and {{ days_between('written.first_sent_at', 'answer_days.on_day') }} between 0 and 7
    group by written.week, written.channel, written.customer_id

),

weeks as (

    select
        week,
        channel,
        count(*) as written_count,
        cast(sum(has_answered) as bigint) as answered_count,
        cast(sum(has_answered) as double) / count(*) as response_rate,
        {{ days_between('week', as_of()) }} >= 14 as is_settled
    from answered
    group by week, channel

),

judged as (

    select
        *,
        cast(sum(answered_count) over four_before as double) / sum(written_count) over four_before as usual_rate
    from weeks
    window four_before as (partition by channel order by week rows between 4 preceding and 1 preceding)

)

select
    week,
    channel,
    written_count,
    answered_count,
    response_rate,
    usual_rate,
    is_settled,
    coalesce(
        is_settled
        and written_count >= {{ var('alert_floor') }}
        and response_rate < usual_rate * (1 - {{ var('alert_drop') }})
        and response_rate < usual_rate - 2 * sqrt(usual_rate * (1 - usual_rate) / written_count),
        false
    ) as is_alert
from judged
