{#- Language and time zone, as the newest contact record that has one states it. -#}
with contacts as (

    select
        people.customer_id,
        contacts.source_record_id,
        contacts.occurred_at,
        contacts.language,
        contacts.time_zone
    from {{ ref('stg_landing__contacts') }} as contacts
    inner join {{ ref('stg_identity__map') }} as people
        on contacts.source = people.source and contacts.source_record_id = people.source_record_id

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by case when language is null then 1 else 0 end, occurred_at desc, source_record_id desc
        ) as language_rank,
        row_number() over (
            partition by customer_id
            order by case when time_zone is null then 1 else 0 end, occurred_at desc, source_record_id desc
        ) as time_zone_rank
    from contacts

)

select
    customer_id,
    max(case when language_rank = 1 then language end) as language,
    max(case when time_zone_rank = 1 then time_zone end) as time_zone
from ranked
group by customer_id
