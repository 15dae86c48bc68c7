{#
  The clicks of a gateway that tries every link: clicks in one mail, each within a second of the one before, on at least
  `scanner_links` different links. A click on a hidden link gives the whole run away.
#}
{% macro email_scans(reactions) %}
    with clicks as (

        select
            *,
            lag(occurred_at) over (
                partition by email, message_ref
                order by occurred_at, source, source_record_id
            ) as previous_at
        from {{ reactions }}
        where event = 'click'

    ),

    runs as (

        select
            *,
            sum(case when {{ seconds_between('previous_at', 'occurred_at') }} <= 1 then 0 else 1 end) over (
                partition by email, message_ref
                order by occurred_at, source, source_record_id
                rows between unbounded preceding and current row
            ) as run
        from clicks

    ),

    scanned as (

        select
            email,
            message_ref,
            run
        from runs
        group by email, message_ref, run
        having count(distinct url) >= {{ var('scanner_links') }} or max(case when is_trapped then 1 else 0 end) = 1

    )

    select
        runs.source,
        runs.source_record_id
    from runs
    inner join scanned
        on
            runs.email = scanned.email
            and coalesce(runs.message_ref, '') = coalesce(scanned.message_ref, '')
            and runs.run = scanned.run
{% endmacro %}
