{# What a company adds to customer_360: each trait's column, and the join that brings it. #}
{% macro trait_columns() %}{% for trait in var('traits') %},
    {{ trait }}.{{ trait }}{% endfor %}{% endmacro %}

{% macro trait_joins(customer_id) %}{% for trait in var('traits') %}
left join {{ ref(trait) }} as {{ trait }} on {{ customer_id }} = {{ trait }}.customer_id{% endfor %}{% endmacro %}
