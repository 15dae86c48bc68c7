{#
  Fails for each key that stands in the model more than once or is NULL in part: `columns`, or the column it is put on.
  Rows whose hash stands once have a key of their own; only the others are compared.
#}
{% test primary_key(model, columns=none, column_name=none) %}
{%- set key = columns or [column_name] %}
with doubted as (

    select {{ hashed(key) }} as key_hash
    from {{ model }}
    group by {{ hashed(key) }}
    having count(*) > 1

)

select
    {{ key | join(', ') }},
    count(*) as times
from {{ model }}
where
    {% for column in key %}{{ column }} is null
    or {% endfor %}{{ hashed(key) }} in (select key_hash from doubted)
group by {{ key | join(', ') }}
having count(*) > 1 {% for column in key %} or {{ column }} is null{% endfor %}
{% endtest %}
