{#-
  The hour of the day at which a person usually acts: that around which (one hour either way, round the clock) most of their
  answers and opens lie. Below `usual_hour_acts` of them, or where nobody knows their time zone, there is none.
-#}
with acts as (

    select customer_id, occurred_at
    from {{ ref('int_engagement__answers') }}

    union all

    select customer_id, occurred_at
    from {{ ref('int_engagement__email_events') }}
    where event = 'open' and machine_sign is null and customer_id is not null

),

hours as (

    select
        acts.customer_id,
        {{ local_hour('acts.occurred_at', 'zones.name') }} as hour_of_day,
        count(*) as act_count
    from acts
    inner join {{ ref('int_profile__customers') }} as people
        on acts.customer_id = people.customer_id
    inner join {{ time_zones() }} as zones
        on people.time_zone = zones.name
    group by acts.customer_id, {{ local_hour('acts.occurred_at', 'zones.name') }}

),

around as (

    select
        middle.customer_id,
        middle.hour_of_day,
        middle.act_count,
        sum(near.act_count) as near_count
    from hours as middle
    inner join hours as near
        on middle.customer_id = near.customer_id
    where mod(near.hour_of_day - middle.hour_of_day + 25, 24) <= 2
    group by middle.customer_id, middle.hour_of_day, middle.act_count

),

ranked as (

    select
        customer_id,
        hour_of_day,
        sum(act_count) over (partition by customer_id) as all_acts,
        row_number() over (
            partition by customer_id
            order by near_count desc, act_count desc, hour_of_day
        ) as place
    from around

)

select
    customer_id,
    hour_of_day as usual_hour
from ranked
where place = 1 and all_acts >= {{ var('usual_hour_acts') }}
