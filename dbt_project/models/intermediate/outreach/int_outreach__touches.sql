{#- What campaigns sent, and whom they left out. Whom we meant when we sent it outranks what the address says today. -#}
with living as (

    select distinct
        customer_id as customer_ref,
        customer_id
    from {{ ref('stg_identity__map') }}

    union

    select
        old_customer_id as customer_ref,
        customer_id
    from {{ ref('stg_identity__aliases') }}

)

select
    coalesce(living.customer_id, people.customer_id) as customer_id,
    outreach.*,
    outreach.direction = 'outbound'
    and outreach.arm = 'sent'
    and outreach.state in ('accepted', 'sent', 'delivered', 'read', 'clicked', 'done', 'undelivered', 'failed', 'unknown')
        as was_attempted,
    outreach.direction = 'outbound'
    and outreach.arm = 'sent'
    and outreach.state in ('accepted', 'sent', 'delivered', 'read', 'clicked', 'done') as was_sent
from {{ ref('stg_landing__outreach') }} as outreach
left join living
    on outreach.customer_ref = living.customer_ref
left join {{ ref('stg_identity__map') }} as people
    on outreach.source = people.source and outreach.source_record_id = people.source_record_id
