{#
  Fails for each value of `by` where parts of several tables do not sum to the whole of another: a figure that does not
  add up is a bug. `parts` are relations, each with the rows that count; `column` is called the same everywhere.
#}
{% test closes(model, column, by, parts, whole) %}
with moved as (
{% for part in parts %}
    select {{ by }}, {{ column }} as amount
    from {{ part.relation }}
    where {{ part.where }}

    union all
{% endfor %}
    select {{ by }}, -{{ column }} as amount
    from {{ whole }}

)

select
    {{ by }},
    sum(amount) as difference
from moved
group by {{ by }}
having sum(amount) <> 0
{% endtest %}
