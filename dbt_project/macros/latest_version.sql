{#
  The newest version of each record: a source may send a record again when it has changed, and an export may repeat it.
  Newest received wins, then newest occurred; what still ties is told apart by file and content, so that every build picks the same.
#}
{% macro latest_version(relation) %}
    select *
    from (
        select
            *,
            row_number() over (
                partition by source, source_record_id
                order by received_at desc, occurred_at desc, landing_id desc, raw_record desc
            ) as version_rank
        from {{ relation }}
    ) as versions
    where version_rank = 1
{% endmacro %}
