{#
  The action, or its reason, of the first rule whose conditions all hold (pipelines/scoring/actions/next_best_actions.yaml);
  NULL where no rules are given. What is not known fulfils no condition but `unknown`.
#}
{% macro next_best_action(part) -%}
{%- set rules = var('next_best_actions', []) -%}
{%- if not rules -%}
{{ no_text() }}
{%- else -%}
case
{%- for rule in rules %}
    when {% for condition in rule['when'] %}{{ fulfilled(condition) }}{{ " and " if not loop.last }}{% else %}1 = 1{% endfor %}
        then {% if part == 'action' %}{{ sql_text(rule['action']) }}{% else %}{% for piece in rule['reason'] %}{{ told_piece(piece) }}{{ " || " if not loop.last }}{% endfor %}{% endif %}
{%- endfor %}
end
{%- endif -%}
{%- endmacro %}

{# One condition of a rule. #}
{% macro fulfilled(condition) -%}
{%- set test = condition['test'] -%}
{%- if test == 'known' -%}known.{{ condition['column'] }} is not null
{%- elif test == 'unknown' -%}known.{{ condition['column'] }} is null
{%- elif test == 'at_least' -%}known.{{ condition['column'] }} >= {{ condition['bound'] }}
{%- elif test == 'at_most' -%}known.{{ condition['column'] }} <= {{ condition['bound'] }}
{%- else -%}known.{{ condition['column'] }} in ({% for value in condition['values'] %}{{ sql_value(value) }}{{ ", " if not loop.last }}{% endfor %})
{%- endif -%}
{%- endmacro %}

{# A piece of a reason: words, or a column as people write it. #}
{% macro told_piece(piece) -%}
{%- if 'text' in piece -%}{{ sql_text(piece['text']) }}
{%- elif piece['is_time'] -%}coalesce({{ as_text('cast(known.' ~ piece['column'] ~ ' as date)') }}, '')
{%- elif piece['noun'] -%}coalesce({{ counted('known.' ~ piece['column'], piece['noun']) }}, '')
{%- else -%}coalesce({{ as_text('known.' ~ piece['column']) }}, '')
{%- endif -%}
{%- endmacro %}

{% macro sql_text(value) %}'{{ value | replace("'", "''") }}'{% endmacro %}

{% macro sql_value(value) -%}
{%- if value is boolean or value is number -%}{{ value | lower }}{%- else -%}{{ sql_text(value) }}{%- endif -%}
{%- endmacro %}
