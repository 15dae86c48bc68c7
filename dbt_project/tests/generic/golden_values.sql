{#
  Fails for each value of `columns` that is not the golden record's, and for each golden value that the model does not
  show. `only` says, for a column that has other sources too, when its value comes from a record.
#}
{% test golden_values(model, golden, columns, only={}) %}
with shown as (
{% for column in columns %}
    select
        customer_id,
        '{{ column }}' as attribute,
        {{ as_text(column) }} as value
    from {{ model }}
    where {{ column }} is not null{% if column in only %} and {{ only[column] }}{% endif %}
    {% if not loop.last %}union all{% endif %}
{% endfor %}
),

kept as (

    select
        customer_id,
        attribute,
        value
    from {{ golden }}
    where attribute in ({{ quoted_list(columns) }})

)

select
    shown.customer_id as shown_id,
    kept.customer_id as golden_id,
    coalesce(shown.attribute, kept.attribute) as attribute
from shown
full outer join kept
    on shown.customer_id = kept.customer_id and shown.attribute = kept.attribute and shown.value = kept.value
where shown.customer_id is null or kept.customer_id is null
{% endtest %}
