{# The identity columns, NULL where a table does not carry them. #}
{% macro carried_columns(names, carried) %}
{%- for name in names -%}
{%- if name in carried -%}
{{ name }}
{%- elif name == 'birth_date' -%}
cast(null as date) as {{ name }}
{%- else -%}
{{ no_text() }} as {{ name }}
{%- endif -%}
{%- if not loop.last %},
        {% endif -%}
{%- endfor -%}
{% endmacro %}
