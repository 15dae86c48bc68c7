{#
  One value per customer where statements differ, and the record that it comes from. Statements are put in order by the
  rules of the attribute (var survivorship, see docs/identity.md), one after the other, and the first one wins. `columns`
  are taken together, so that a given name never meets another record's family name; a statement that has none of `needs`
  is no candidate. What no rule tells apart the alphabet does, so that every build picks the same. Of one lot (lots.sql).

  Gives customer_id, the columns, source, source_record_id, occurred_at, rule (the first in which the winner beat the
  best statement of another value; `only value`, or `alphabet`) and candidates (how many values there were).
#}
{% macro best_value(attribute, columns, statements, needs=none) %}
{%- set rules = var('survivorship')[attribute] -%}
{%- set value = columns | join(', ') -%}
{%- set by_preference -%}
partition by customer_id
                order by {% for each in rules %}{{ rule_key(each) }} desc, {% endfor %}
                {%- for column in columns %}{{ column }} nulls last{{ ", " if not loop.last }}{% endfor %}
{%- endset %}
    with voiced as (

        -- each value has one record that speaks for it; what is of the value itself cannot tell which
        select
            customer_id,
            {{ value }},
            {{ filled_parts(columns) }} as part_count,
            sum(record_count) as value_count,
            {{ largest(voice(rules)) }} as voice
        from {{ statements }}
        where
            ({% for column in needs or columns %}{{ column }} is not null{{ " or " if not loop.last }}{% endfor %})
            and {{ in_lot('customer_id') }}
        group by customer_id, {{ value }}

    ),

    ranked as (

        select
            *,
            {% for each in rules -%}
            lead({{ rule_key(each) }}) over ({{ by_preference }}) as next_{{ each.rule }},
            {% endfor -%}
            -- in the one window that has an order, because another costs as much again
            count(*) over (
                {{ by_preference }}
                rows between unbounded preceding and unbounded following
            ) as candidates,
            row_number() over ({{ by_preference }}) as preference
        from voiced

    )

    select
        customer_id,
        {{ value }},
        voice.source as source,
        voice.source_record_id as source_record_id,
        voice.occurred_at as occurred_at,
        case
            when candidates = 1 then 'only value'
            {% for each in rules -%}
            when {{ rule_key(each) }} is distinct from next_{{ each.rule }} then '{{ each.rule }}'
            {% endfor -%}
            else 'alphabet'
        end as rule,
        candidates
    from ranked
    where preference = 1
{% endmacro %}

{# What a rule compares: the larger wins. #}
{% macro rule_key(rule) %}
{%- if rule.rule == 'completeness' -%}
part_count
{%- elif rule.rule == 'frequency' -%}
value_count
{%- elif rule.rule == 'recency' -%}
voice.occurred_at
{%- else -%}
voice.{{ rule.rule }}
{%- endif -%}
{% endmacro %}

{# What tells apart the records that say the same, in the order of the rules, by name: the largest speaks for the value. #}
{% macro voice(rules) %}
{%- set parts = {} -%}
{%- for each in rules -%}
{%- if each.rule == 'stated' -%}
{%- do parts.update({'stated': "case when origin_table = 'contacts' then 1 else 0 end"}) -%}
{%- elif each.rule == 'recency' -%}
{%- do parts.update({'occurred_at': 'occurred_at'}) -%}
{%- elif each.rule == 'source_priority' -%}
{%- do parts.update({'source_priority': place_from_last('source', each.sources)}) -%}
{%- elif each.rule not in ['completeness', 'frequency'] -%}
{{ exceptions.raise_compiler_error("survivorship knows no rule " ~ each.rule) }}
{%- endif -%}
{%- endfor -%}
{%- for name in ['occurred_at', 'source', 'source_record_id'] if name not in parts -%}
{%- do parts.update({name: name}) -%}
{%- endfor -%}
{{ return(parts) }}
{% endmacro %}

{# How far from the end a text stands in a list, counting from 1; 0 where it does not. #}
{% macro place_from_last(column, listed) %}case {{ column }} {% for each in listed %}when '{{ each }}' then {{ listed | length - loop.index0 }} {% endfor %}else 0 end{% endmacro %}

{# How much of a value is there: two for each part, but one for a name's part that is an initial alone. #}
{% macro filled_parts(columns) %}
{%- for column in columns -%}
case when {{ column }} is null then 0
{%- if column in ['given_name', 'family_name'] %} when {{ matches(column, "'^(([^ .][.] ?)+|[A-Za-z])$'") }} then 1{% endif %} else 2 end{{ " + " if not loop.last }}
{%- endfor -%}
{% endmacro %}

{# Where a chosen value comes from; with `unless`, where that other choice names the column, from where it does. #}
{% macro won(choice, attribute, unless=none) %}
{%- for column in ['source', 'source_record_id', 'occurred_at', 'rule', 'candidates'] -%}
{%- if unless -%}
case when {{ unless | join('.') }} is null then {{ choice }}.{{ column }} else {{ unless | first }}.{{ column }} end
{%- else -%}
{{ choice }}.{{ column }}
{%- endif %} as {{ attribute }}_{{ column }}{{ ",\n    " if not loop.last }}
{%- endfor -%}
{% endmacro %}
