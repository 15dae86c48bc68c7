{# A schema is called what its folder says (staging, intermediate, marts), without a prefix of the target's. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
