{#
    Stops a build at a model in which a key stands twice or is empty in part: the post-hook of every model and seed, inside
    its transaction, so that such a table never lands. The key is the model's `meta: {primary_key: [columns]}`. A dbt test of
    each would be a node more, which costs 70 ms whatever the rows (2026-11-22: 140 of them, 10 of a build's 48 CPU seconds).
    Rows whose hash stands once have a key of their own; only the others are compared.
#}
{% macro require_key() %}
    {%- set unit = rebuilt_by(model.unique_id) if in_part() else '' -%}
    {%- if execute and not (unit == 'record' and model.config.materialized == 'view') -%}
        {%- set key = model.config.meta.primary_key -%}
        {%- set repeated = run_query(key_repeats(keyed(unit, key), key)).rows[0][0] -%}
        {%- if repeated > 0 -%}
            {{ exceptions.raise_compiler_error(repeated ~ " rows of " ~ this.identifier ~ " have a key (" ~ key | join(", ") ~ ") that is empty or stands on another row too; one row a key is legal") }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{# What to look at: in a part the rows that were made anew, and in their table whatever has a key like theirs. #}
{% macro keyed(unit, key) %}
    {%- if not unit -%}
        {{- return(this) -}}
    {%- endif -%}
    {%- set made = in_slice(this) -%}
    {%- if model.config.materialized == 'view' -%}
        {{- return(made) -}}
    {%- endif -%}
    {{- return('(select * from ' ~ this ~ ' where ' ~ hashed(key) ~ ' in (select ' ~ hashed(key) ~ ' from ' ~ made ~ '))') -}}
{% endmacro %}

{% macro key_repeats(relation, key) %}
with doubted as (

    select {{ hashed(key) }} as key_hash
    from {{ relation }}
    group by {{ hashed(key) }}
    having count(*) > 1

), repeats as (

    select {{ key | join(', ') }}, count(*) as row_count
    from {{ relation }}
    where
        {% for column in key %}{{ column }} is null
        or {% endfor %}{{ hashed(key) }} in (select key_hash from doubted)
    group by {{ key | join(', ') }}
    having count(*) > 1 {% for column in key %} or {{ column }} is null{% endfor %}

)

select coalesce(sum(row_count), 0)
from repeats
{% endmacro %}
