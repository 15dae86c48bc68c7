{#- What each person is reached or known by, and whether it can be reached. -#}
with known as (

    select
        customer_id,
        max(case when identifier_type = 'external_id' then value end) as external_id,
        max(case when identifier_type = 'handle' then value end) as handle
    from {{ ref('stg_identity__identifiers') }}
    where is_best
    group by customer_id

)

select
    golden.customer_id,
    golden.email,
    golden.phone,
    known.external_id,
    known.handle,
    golden.email is not null and bounced.value is null as email_reachable,
    golden.phone is not null and failing.value is null as sms_reachable
from {{ ref('int_profile__golden') }} as golden
left join known
    on golden.customer_id = known.customer_id
left join {{ ref('int_messages__unreachable') }} as bounced
    on bounced.identifier_type = 'email' and golden.email = bounced.value
left join {{ ref('int_messages__unreachable') }} as failing
    on failing.identifier_type = 'phone' and golden.phone = failing.value
