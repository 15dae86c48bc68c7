{#-
  Builds of a part. Once a build has been published, the next one works on what has changed since (pipelines/warehouse/
  increment.py decides whether it can): `part` is true then, and each model says by its `meta: {rebuilt_by: ...}` what is
  replaced in its table:

    record    the rows of the records that came or changed (increment.records);
    customer  the rows of the people whom that concerns (increment.people), and of nobody: such a model reads `slice`, which
              holds all that these people's rows are made of and little else;
    company   everything, because it speaks of the company as a whole or of the day: so does a model that says nothing.

  A model's SQL is one text for both kinds of build: `ref` and `source` choose what it reads.
-#}

{#
    The project's hook on-run-start. Whoever runs dbt by hand changes tables that the next build would begin from, so that one
    has to make everything again (docs/builds.md): noted before the first table, because a run may be stopped half-way.
#}
{% macro begin_run() %}
    {%- if execute and not var('of_build') and flags.WHICH != 'test' -%}
        drop table if exists {{ target.database }}.increment.built
    {%- endif -%}
{% endmacro %}

{% macro in_part() %}
    {{- return(execute and var('part')) -}}
{% endmacro %}

{# What a model's table is replaced by in a part: record, customer, or empty where it is made anew as a whole. #}
{% macro rebuilt_by(unique_id) %}
    {%- set unit = (graph.nodes.get(unique_id) or {}).get('config', {}).get('meta', {}).get('rebuilt_by', 'company') -%}
    {{- return('' if unit == 'company' else unit) -}}
{% endmacro %}

{# The same relation in the schema that holds what a part is made of. #}
{% macro in_slice(relation) %}
    {{- return(relation.incorporate(path={'schema': 'slice'})) -}}
{% endmacro %}

{# A relation's rows of the records that came or changed. #}
{% macro of_records(relation) %}
    {{- return('(select * from ' ~ relation ~ ' where ' ~ is_of_records() ~ ')') -}}
{% endmacro %}

{% macro is_of_records() %}
    {{- return('(source, source_record_id) in (select source, source_record_id from ' ~ target.database ~ '.increment.records)') -}}
{% endmacro %}

{% macro is_of_people() %}
    {{- return('(customer_id is null or customer_id in (select customer_id from ' ~ target.database ~ '.increment.people))') -}}
{% endmacro %}

{# dbt's own, but for what a part reads. #}
{% macro ref(name) %}
    {%- set whole = builtins.ref(name) -%}
    {%- if not in_part() or model.resource_type != 'model' -%}
        {{- return(whole) -}}
    {%- endif -%}
    {%- set own = rebuilt_by(model.unique_id) -%}
    {%- set theirs = rebuilt_by('model.rapport.' ~ name) -%}
    {%- if own == 'customer' and theirs -%}
        {{- return(in_slice(whole)) -}}
    {%- elif own == 'record' and theirs == 'record' -%}
        {{- return(of_records(whole)) -}}
    {%- endif -%}
    {{- return(whole) -}}
{% endmacro %}

{% macro source(source_name, table_name) %}
    {%- set whole = builtins.source(source_name, table_name) -%}
    {%- set own = rebuilt_by(model.unique_id) if in_part() and model.resource_type == 'model' else '' -%}
    {%- if own == 'customer' -%}
        {{- return('(select * from ' ~ whole ~ ' where ' ~ is_of_people() ~ ')') -}}
    {%- elif own == 'record' and source_name == 'landing' -%}
        {{- return(of_records(whole)) -}}
    {%- elif own == 'record' -%}
        {%- set linked = target.database ~ '.increment.linked_records' -%}
        {{- return('(select * from ' ~ whole ~ ' where (source, source_record_id) in (select source, source_record_id from ' ~ linked ~ '))') -}}
    {%- endif -%}
    {{- return(whole) -}}
{% endmacro %}

{#
    Replaces in a table what the part made anew, as the model's unit says; `made` is the part's own table, whose columns are
    the table's, for the model is the same. A table that names no customer cannot be rebuilt by them: make it a view.
#}
{% macro replace_part(table, made, unit) %}
    {%- set concerned = is_of_people() if unit == 'customer' else is_of_records() -%}
    delete from {{ table }} where {{ concerned }};
    insert into {{ table }} select * from {{ made }} where {{ concerned }};
{% endmacro %}
