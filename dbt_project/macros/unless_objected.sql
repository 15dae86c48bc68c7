{#
  A score, tier, risk, segment or suggestion of a person, and nothing where they objected to profiling (Article 21 of the
  GDPR): the column score_note then says so. Every such column of customer_360 is wrapped in it; a test holds them all.
#}
{% macro unless_objected(expression) -%}
case when not coalesce(consents.profiling_objected, false) then {{ expression }} end
{%- endmacro %}
