{# The moment that the build speaks of, naive UTC. Models never ask the clock, so that a build can be repeated. #}
{% macro as_of() %}cast('{{ var("as_of") }}' as timestamp){% endmacro %}
