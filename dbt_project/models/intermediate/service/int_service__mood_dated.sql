{#-
  The mood of what a person wrote: in the 30 days to as_of, and whether it changed. The trend compares the last three
  texts with the three before them, whenever that was; a quarter of the way from indifferent to delighted is a change.
-#}
with ranked as (

    select
        *,
        row_number() over (partition by customer_id order by occurred_at desc, touch_id desc) as newest
    from {{ ref('int_service__moods') }}
    where occurred_at <= {{ as_of() }}

),

compared as (

    select
        customer_id,
        count(*) as text_count,
        avg(case when {{ days_between('occurred_at', as_of()) }} < 30 then sentiment end) as sentiment_30d,
        avg(case when newest <= 3 then sentiment end)
        - avg(case when newest between 4 and 6 then sentiment end) as change
    from ranked
    group by customer_id

)

select
    customer_id,
    sentiment_30d,
    case
        when text_count < 6 then 'unknown'
        when change <= -0.25 then 'falling'
        when change >= 0.25 then 'rising'
        else 'steady'
    end as sentiment_trend
from compared
