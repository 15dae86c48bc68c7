with ranked as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by occurred_at desc, source_record_id desc
        ) as newest
    from {{ ref('int_outreach__touches') }}
    where was_attempted and customer_id is not null

)

select
    customer_id,
    occurred_at as last_outreach_at,
    campaign as last_outreach_campaign,
    state as last_outreach_state
from ranked
where newest = 1
