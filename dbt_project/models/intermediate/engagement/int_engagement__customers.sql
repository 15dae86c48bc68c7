{#- When each person last opened a mail or followed a link themselves, and when they usually do such things. -#}
with opens as (

    select
        customer_id,
        max(occurred_at) as last_open_at
    from {{ ref('int_engagement__email_events') }}
    where event = 'open' and machine_sign is null and customer_id is not null
    group by customer_id

),

clicks as (

    select
        customer_id,
        max(occurred_at) as last_click_at
    from {{ ref('int_engagement__clicks') }}
    group by customer_id

)

select
    people.customer_id,
    opens.last_open_at,
    clicks.last_click_at,
    hours.usual_hour
from {{ ref('int_profile__customers') }} as people
left join opens on people.customer_id = opens.customer_id
left join clicks on people.customer_id = clicks.customer_id
left join {{ ref('int_engagement__hours') }} as hours on people.customer_id = hours.customer_id
where opens.customer_id is not null or clicks.customer_id is not null or hours.customer_id is not null
