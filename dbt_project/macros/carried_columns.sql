{# The identity columns, NULL where a table does not carry them. An extension is carried with its phone. #}
{% macro carried_columns(names, carried) %}
{%- for name in names -%}
{%- if name in carried or (name == 'phone_extension' and 'phone' in carried) -%}
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
