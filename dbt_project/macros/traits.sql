{#
  What a company adds to customer_360: each trait's column, and the join that brings it. What a trait concludes nobody here can
  know, so that of who objected to profiling it says nothing.
#}
{% macro trait_columns() %}{% for trait in var('traits') %},
    case when not known.profiling_objected then {{ trait }}.{{ trait }} end as {{ trait }}{% endfor %}{% endmacro %}

{% macro trait_joins(customer_id) %}{% for trait in var('traits') %}
left join {{ ref(trait) }} as {{ trait }} on {{ customer_id }} = {{ trait }}.customer_id{% endfor %}{% endmacro %}
