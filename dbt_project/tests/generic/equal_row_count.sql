{# Fails when a table does not have as many rows as another: a join that lost or doubled some. #}
{% test equal_row_count(model, to) %}
with here as (

    select count(*) as row_count
    from {{ model }}

),

there as (

    select count(*) as row_count
    from {{ to }}

)

select
    here.row_count as here_count,
    there.row_count as there_count
from here
cross join there
where here.row_count <> there.row_count
{% endtest %}
