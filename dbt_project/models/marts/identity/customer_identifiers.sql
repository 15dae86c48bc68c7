select
    held.customer_id,
    held.identifier_type,
    held.value,
    held.source_count,
    held.first_seen_at,
    held.last_seen_at,
    case held.identifier_type
        when 'email' then held.value = golden.email
        when 'phone' then held.value = golden.phone
        else held.is_best
    end as is_best
from {{ ref('stg_identity__identifiers') }} as held
inner join {{ ref('int_profile__golden') }} as golden
    on held.customer_id = golden.customer_id
