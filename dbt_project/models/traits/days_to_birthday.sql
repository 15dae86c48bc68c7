{#- Whole days until somebody's next birthday, 0 on the day itself; who was born on 29 February has it on the 28th elsewhen. -#}
{%- set years = "extract(year from " ~ as_of() ~ ") - extract(year from birth_date)" -%}
with this_year as (

    select
        customer_id,
        birth_date,
        {{ days_between(as_of(), years_after('birth_date', years)) }} as days
    from {{ ref('int_profile__golden') }}
    where birth_date is not null

)

select
    customer_id,
    case
        when days >= 0 then days
        else {{ days_between(as_of(), years_after('birth_date', years ~ ' + 1')) }}
    end as days_to_birthday
from this_year
