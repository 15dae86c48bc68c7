{# Fails for each key that stands in the model more than once or is NULL in part: `columns`, or the column it is put on. #}
{% test primary_key(model, columns=none, column_name=none) %}
{%- set key = columns or [column_name] %}
select
    {{ key | join(', ') }},
    count(*) as times
from {{ model }}
group by {{ key | join(', ') }}
having count(*) > 1 {% for column in key %} or {{ column }} is null{% endfor %}
{% endtest %}
