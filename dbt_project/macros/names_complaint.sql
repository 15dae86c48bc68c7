{# Whether a help desk's own word for something (a kind, tags, a topic) calls it a complaint; false where there is none. #}
{% macro names_complaint(label) -%}
coalesce(
    {%- for word in var('complaint_words') %}
    {{ 'or ' if not loop.first }}lower({{ label }}) like '%{{ word }}%'
    {%- endfor %}
, false)
{%- endmacro %}
