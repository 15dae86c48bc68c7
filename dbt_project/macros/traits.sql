{# What a company adds to customer_360: each trait's column, and the join that brings it. #}
{% macro trait_columns() %}{% for trait in var('traits') %},
    {{ trait }}.{{ trait }}{% endfor %}{% endmacro %}

{% macro trait_joins(customer_id) %}{% for trait in var('traits') %}
left join {{ ref(trait) }} as {{ trait }} on {{ customer_id }} = {{ trait }}.customer_id{% endfor %}{% endmacro %}

{# A trait says one thing of a customer: one that says two would make two rows of the customer. #}
{% macro refuse_repeats(trait) %}
    {%- if execute -%}
        {%- set found = run_query("select count(customer_id) - count(distinct customer_id), count(*) - count(customer_id) from " ~ trait) -%}
        {%- set repeated, nobody = found.rows[0] -%}
        {%- if repeated > 0 -%}
            {{ exceptions.raise_compiler_error("the trait " ~ trait.identifier ~ " gives " ~ repeated ~ " rows too many: one a customer_id is legal; group by customer_id") }}
        {%- elif nobody > 0 -%}
            {{ exceptions.raise_compiler_error("the trait " ~ trait.identifier ~ " gives " ~ nobody ~ " rows without a customer_id; leave them out") }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
