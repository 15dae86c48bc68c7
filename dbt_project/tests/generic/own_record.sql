{# Fails for each row whose record is not its customer's own: a value that stayed behind when people were split. #}
{% test own_record(model, map) %}
select
    here.customer_id,
    here.source,
    here.source_record_id
from {{ model }} as here
left join {{ map }} as people
    on here.source = people.source and here.source_record_id = people.source_record_id
where people.customer_id is null or people.customer_id <> here.customer_id
{% endtest %}
