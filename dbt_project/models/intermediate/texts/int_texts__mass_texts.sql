{#-
  Texts that a program sends to many: the same words but for names and numbers to at least mass_text_people people, most
  of whom had not written just before. An agent's stock answer goes to many too, but to people who have asked.
-#}
with sequence as (

    select
        direction,
        phone,
        {{ text_skeleton('body') }} as skeleton,
        lag(direction) over (
            partition by phone
            order by occurred_at, direction, source_record_id
        ) as previous_direction
    from {{ ref('stg_landing__sms_messages') }}
    where phone is not null

)

select
    skeleton,
    count(distinct phone) as people_count,
    count(case when previous_direction = 'inbound' then 1 end) as prompted_count,
    count(*) as copy_count
from sequence
where direction = 'outbound' and skeleton is not null
group by skeleton
having
    count(distinct phone) >= {{ var('mass_text_people') }}
    and 2 * count(case when previous_direction = 'inbound' then 1 end) < count(*)
