{#-
  How many first questions were answered, and how fast. The alert is a control chart (Shewhart 1931, p-chart): the share
  answered within a day falls more than three standard deviations below that of the 8 rows before; or the median is
  more than twice theirs. It needs 30 questions before, and 5 of its own (10 for the median, which jumps about), and
  speaks only once all had their day.
-#}
{%- set before = 'partition by channel order by week rows between 8 preceding and 1 preceding' -%}
{%- set deadline = seconds_after('waits.asked_at', 86400) -%}
with questions as (

    select
        {{ week_of('waits.asked_at') }} as week,
        {{ talk_channel('waits.channel') }} as channel,
        waits.state,
        waits.wait_seconds,
        waits.state <> 'settled' and {{ deadline }} <= {{ as_of() }} as is_due
    from {{ ref('int_conversations__waits') }} as waits
    where waits.is_first and waits.asked_at <= {{ as_of() }}

),

counted as (
{% for channel in ['channel', "'all'"] %}
    select
        week,
        {{ channel }} as channel,
        count(*) as question_count,
        count(wait_seconds) as answered_count,
        count(case when state = 'waiting' then 1 end) as waiting_count,
        count(case when is_due then 1 end) as due_count,
        count(case when is_due and wait_seconds <= 86400 then 1 end) as in_time_count,
        {{ whole_percentile('wait_seconds') }} as median_seconds,
        {{ whole_percentile('wait_seconds', 0.9) }} as p90_seconds
    from questions
    group by week{{ ', channel' if channel == 'channel' }}
    {% if not loop.last %}union all{% endif %}
{% endfor %}
),

compared as (

    select
        *,
        in_time_count / cast(nullif(due_count, 0) as double) as in_time_rate,
        sum(due_count) over ({{ before }}) as usual_count,
        -- one of each is added, so that a perfect past is not taken for certainty
        (sum(in_time_count) over ({{ before }}) + 1) / cast(sum(due_count) over ({{ before }}) + 2 as double) as usual_rate,
        avg(median_seconds) over ({{ before }}) as usual_seconds,
        {{ seconds_after('cast(week as timestamp)', 8 * 86400) }} <= {{ as_of() }} as is_complete
    from counted

),

judged as (

    select
        *,
        coalesce(is_complete and due_count >= 5 and usual_count >= 30
            and in_time_rate < usual_rate - 3 * sqrt(usual_rate * (1 - usual_rate) / due_count), false) as is_low,
        coalesce(is_complete and due_count >= 10 and usual_count >= 30
            and median_seconds > 2 * usual_seconds, false) as is_slow
    from compared

)

select
    week,
    channel,
    question_count,
    answered_count,
    waiting_count,
    in_time_rate,
    median_seconds,
    p90_seconds,
    case when usual_count >= 30 then usual_rate end as usual_in_time_rate,
    case when usual_count >= 30 then cast(floor(usual_seconds) as bigint) end as usual_median_seconds,
    is_low or is_slow as is_alert,
    case
        when is_low then 'fewer answered within a day'
        when is_slow then 'answers took twice as long'
    end as alert_reason
from judged
