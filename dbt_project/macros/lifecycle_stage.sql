{# Where a person stands as a buyer, by days since the last order and how many there were (limits: vars). #}
{% macro lifecycle_stage(days, orders) %}
case
    when {{ days }} is null then 'prospect'
    when {{ days }} > {{ var('lapsed_days') }} then 'lapsed'
    when {{ days }} > {{ var('active_days') }} then 'lapsing'
    when {{ orders }} = 1 then 'new'
    else 'active'
end
{% endmacro %}
