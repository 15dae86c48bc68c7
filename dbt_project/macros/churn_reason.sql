{# A reason that raises somebody's risk of leaving, in words that an agent can read aloud. #}
{% macro churn_reason(column) %}
case {{ column }}
    when 'overdue' then 'No order for ' || {{ counted('silent_days', 'day') }}
        || case when usual_gap_days is not null then ', usually every ' || {{ counted('usual_gap_days', 'day') }} else '' end
    when 'few_orders' then 'Has ordered on ' || {{ counted('orders', 'day') }} || ' only'
    when 'late_parcel' then {{ counted('late_parcels', 'late parcel') }} || ' in half a year'
    when 'open_complaint' then 'A complaint is open'
    when 'slow_answer' then 'Waited over a day for ' || {{ counted('slow_answers', 'answer') }} || ' in half a year'
    when 'repeat_contact' then 'Had to come back about it within a week'
    when 'unhappy' then 'Sounds unhappy'
    when 'falling_mood' then 'Sounds less happy than before'
end
{%- endmacro %}
