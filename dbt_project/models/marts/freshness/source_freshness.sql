{#-
  Depends on the day (`as_of`): how long each source has been silent, and whether that is unlike it. One that stopped months
  ago while another brings the same is no longer waited for: a shop that was closed would leave scores stale for ever. The only
  source of a table is waited for as long as it takes, for without it nobody knows what happened.
-#}
with known as (

    -- a record from after `as_of` (a wrong clock, a build that looks back) says nothing of how fresh a source is
    select *
    from {{ ref('int_freshness__days') }}
    where day <= cast({{ as_of() }} as date)

),

newest as (

    select
        source,
        table_name,
        max(day) as last_day,
        cast(sum(record_count) as bigint) as record_count
    from known
    group by source, table_name

),

habits as (

    select
        known.source,
        known.table_name,
        count(*) as active_days
    from known
    inner join newest
        on known.source = newest.source and known.table_name = newest.table_name
    where {{ days_between('known.day', 'newest.last_day') }} < 28
    group by known.source, known.table_name

),

aged as (

    select
        newest.*,
        habits.active_days,
        {{ days_between('newest.last_day', as_of()) }} as silent_days,
        {{ days_between('max(newest.last_day) over (partition by newest.table_name)', as_of()) }} as all_silent_days
    from newest
    inner join habits
        on newest.source = habits.source and newest.table_name = habits.table_name

)

select
    source,
    table_name,
    record_count,
    last_day,
    active_days,
    cast(silent_days as integer) as silent_days,
    case
        when silent_days < {{ var('silent_days') }} then 'fresh'
        when active_days < {{ var('regular_days') }} then 'irregular'
        when silent_days >= {{ var('retired_days') }} and all_silent_days < {{ var('silent_days') }} then 'retired'
        else 'silent'
    end as state
from aged
