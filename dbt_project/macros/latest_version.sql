{#
  The newest version of each record: a source may send a record again when it has changed, and an export may repeat it.
  Newest received wins, then newest occurred; what still ties is told apart by file and content, so that every build
  picks the same. Only records that may have come more than once are ranked: those whose hash stands again. Numbers are
  cheaper to count than texts, and two records of one hash are ranked each for itself. The relation is read three times,
  because a part of a query that is named and used twice would be kept in memory with all its columns.
#}
{% macro latest_version(relation) %}
{%- set record_hash = hashed(['source', 'source_record_id']) %}
    with repeated as (

        select {{ record_hash }} as record_hash
        from {{ relation }}
        group by {{ record_hash }}
        having count(*) > 1

    )

    select
        once.*,
        1 as version_rank
    from {{ relation }} as once
    left join repeated
        on {{ hashed(['once.source', 'once.source_record_id']) }} = repeated.record_hash
    where repeated.record_hash is null

    union all

    select *
    from (
        select
            *,
            row_number() over (
                partition by source, source_record_id
                order by received_at desc, occurred_at desc, landing_id desc, raw_record desc
            ) as version_rank
        from {{ relation }}
        where {{ record_hash }} in (select record_hash from repeated)
    ) as ranked
    where version_rank = 1
{% endmacro %}
