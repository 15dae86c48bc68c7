{# Fails when a column does not sum to the same as another table's: a figure that does not add up is a bug. #}
{% test equal_sums(model, column, to, to_column, to_where='1 = 1') %}
with here as (

    select coalesce(sum({{ column }}), 0) as total
    from {{ model }}

),

there as (

    select coalesce(sum({{ to_column }}), 0) as total
    from {{ to }}
    where {{ to_where }}

)

select
    here.total as here_total,
    there.total as there_total
from here
cross join there
where here.total <> there.total
{% endtest %}
