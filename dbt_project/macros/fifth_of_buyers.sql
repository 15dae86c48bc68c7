{#
  1 to 5, INTEGER: 1 plus the whole fifths of all who have a value and whose value is smaller. Equal values have equal
  scores. NULL without a value, where fewer than var scored_buyers have one, and where all have the same.
#}
{% macro fifth_of_buyers(value) %}
case
    when {{ value }} is not null
        and count({{ value }}) over () >= {{ var('scored_buyers') }}
        and min({{ value }}) over () < max({{ value }}) over ()
        then cast(1 + {{ divide_whole(
            '5 * (rank() over (order by ' ~ value ~ ' asc nulls last) - 1)', 'count(' ~ value ~ ') over ()'
        ) }} as integer)
end
{%- endmacro %}
