{#-
  Days on which more complaints, bad ratings, angry messages or public mentions came than usual: more than three standard
  deviations over the mean of the 28 days before (a c-chart, Shewhart 1931; counts of rare things vary like their mean).
  Days without any are not listed, but count into the mean; the first 28 days of a kind have nothing to be compared with.
-#}
with happened as (

    select cast(started_at as date) as day, 'complaint' as kind
    from {{ ref('int_conversations__conversations') }}
    where is_complaint

    union all

    select cast(occurred_at as date) as day, 'bad_feedback' as kind
    from {{ ref('int_feedback__judged') }}
    where verdict = 'bad'

    union all

    -- half of the way to bitter: a text that is merely short of joy is no complaint
    select cast(occurred_at as date) as day, 'angry_text' as kind
    from {{ ref('int_service__moods') }}
    where sentiment <= -0.5

    union all

    select cast(occurred_at as date) as day, 'mention' as kind
    from {{ ref('int_conversations__turns') }}
    where role = 'mention' and is_inbound

),

counted as (

    select
        day,
        kind,
        {{ days_between("'1970-01-01'", 'day') }} as day_number,
        count(*) as count_of_day
    from happened
    group by day, kind

),

compared as (

    select
        *,
        coalesce(sum(count_of_day) over (
            partition by kind order by day_number range between 28 preceding and 1 preceding
        ), 0) / 28.0 as mean,
        day_number - min(day_number) over (partition by kind) >= 28 as is_comparable
    from counted

)

select
    day,
    kind,
    count_of_day,
    case when is_comparable then cast(mean as double) end as usual_count,
    case when is_comparable then cast(mean + 3 * sqrt(greatest(mean, 1)) as double) end as highest_count,
    coalesce(is_comparable and count_of_day > mean + 3 * sqrt(greatest(mean, 1)), false) as is_surge
from compared
