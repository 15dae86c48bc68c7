{#- How much was asked and how much was done, by the channel a conversation began on; and what was left at each week's end. -#}
with asked as (

    select
        *,
        {{ week_of('first_asked_at') }} as asked_week,
        {{ week_of('resolved_at') }} as resolved_week
    from {{ ref('int_conversations__conversations') }}
    -- one that the help desk ended nobody knows when is neither open nor done in any week
    where first_asked_at is not null and (is_open or resolved_at is not null)

),

moved as (

    select asked_week as week, first_channel as channel, 1 as opened, 0 as resolved, cast(null as bigint) as resolution_seconds
    from asked

    union all

    select resolved_week as week, first_channel as channel, 0 as opened, 1 as resolved, resolution_seconds
    from asked
    where resolved_week is not null

),

counted as (

    select
        week,
        channel,
        cast(sum(opened) as bigint) as opened_count,
        cast(sum(resolved) as bigint) as resolved_count,
        {{ whole_percentile('resolution_seconds') }} as median_seconds,
        {{ whole_percentile('resolution_seconds', 0.9) }} as p90_seconds
    from moved
    group by week, channel

)

select
    *,
    cast(sum(opened_count - resolved_count) over (
        partition by channel
        order by week rows between unbounded preceding and current row
    ) as bigint) as open_at_end_count
from counted
