{# A list of texts as SQL literals for IN (...); an empty list matches nothing. #}
{% macro quoted_list(values) %}
{%- if values -%}
{%- for value in values -%}'{{ value | lower | replace("'", "''") }}'{{ ", " if not loop.last }}{%- endfor -%}
{%- else -%}
null
{%- endif -%}
{% endmacro %}
