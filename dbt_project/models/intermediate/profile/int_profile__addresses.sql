with best as (

    select
        identifiers.customer_id,
        identifiers.identifier_type,
        identifiers.value,
        unreachable.value is null as is_reachable
    from {{ ref('stg_identity__identifiers') }} as identifiers
    left join {{ ref('int_messages__unreachable') }} as unreachable
        on identifiers.identifier_type = unreachable.identifier_type and identifiers.value = unreachable.value
    where identifiers.is_best

)

select
    customer_id,
    max(case when identifier_type = 'email' then value end) as email,
    max(case when identifier_type = 'phone' then value end) as phone,
    max(case when identifier_type = 'external_id' then value end) as external_id,
    max(case when identifier_type = 'handle' then value end) as handle,
    coalesce(bool_or(identifier_type = 'email' and is_reachable), false) as email_reachable,
    coalesce(bool_or(identifier_type = 'phone' and is_reachable), false) as sms_reachable
from best
group by customer_id
