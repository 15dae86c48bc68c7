{#
  One value per customer where records differ: the one that a contact record states, then the newest, then the most
  frequent. `columns` are taken together, so that a given name never meets another record's family name.
#}
{% macro best_value(columns) %}
with seen as (

    select
        customer_id,
        {{ columns | join(', ') }},
        max(case when origin_table = 'contacts' then occurred_at end) as stated_at,
        max(occurred_at) as last_seen_at,
        count(*) as record_count
    from {{ ref('int_profile__records') }}
    where {% for column in columns %}{{ column }} is not null{{ " or " if not loop.last }}{% endfor %}
    group by customer_id, {{ columns | join(', ') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by
                stated_at desc nulls last, last_seen_at desc, record_count desc,
                {% for column in columns %}{{ column }} nulls last{{ ", " if not loop.last }}{% endfor %}
        ) as preference
    from seen

)

select
    customer_id,
    {{ columns | join(', ') }}
from ranked
where preference = 1
{% endmacro %}
