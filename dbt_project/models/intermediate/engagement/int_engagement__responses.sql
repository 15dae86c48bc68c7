{#-
  How well each channel works with a person: days on which they answered there, of the days on which we wrote there. Both
  count half as much for every half-life before the person's newest day, so that a new day changes nothing. Days, not
  messages: five texts in a row are one answer, and one act that two systems report is one. `score_billionths` is the share of
  days answered, drawn towards nought by `response_caution` days so that one answer does not outweigh many.
-#}
with days as (

    select
        customer_id,
        channel,
        cast(sent_at as date) as on_day,
        1 as is_written,
        0 as is_answered
    from {{ ref('int_reach__sends') }}
    where outcome <> 'failed'

    union all

    select
        customer_id,
        channel,
        cast(occurred_at as date) as on_day,
        0 as is_written,
        1 as is_answered
    from {{ ref('int_engagement__answers') }}

),

daily as (

    select
        customer_id,
        channel,
        on_day,
        max(is_written) as is_written,
        max(is_answered) as is_answered
    from days
    group by customer_id, channel, on_day

),

weighted as (

    select
        *,
        power(
            0.5,
            {{ days_between('on_day', 'max(on_day) over (partition by customer_id)') }}
            / {{ var('reply_half_life_days') }}.0
        ) as weight
    from daily

)

select
    customer_id,
    channel,
    cast(sum(is_written) as bigint) as written_days,
    cast(sum(is_answered) as bigint) as answer_days,
    max(case when is_answered = 1 then on_day end) as last_answer_on,
    -- in whole billionths: sums of fractions differ by the order in which they are added up, and equal channels are equal
    cast(floor(
        0.5 + 1000000000 * sum(is_answered * weight)
        / (greatest(sum(is_answered * weight), sum(is_written * weight)) + {{ var('response_caution') }})
    ) as bigint) as score_billionths
from weighted
group by customer_id, channel
