select
    people.customer_id,
    consents.source,
    consents.source_record_id,
    consents.channel,
    consents.purpose,
    consents.action,
    consents.legal_basis,
    consents.occurred_at,
    consents.method,
    consents.wording,
    consents.locale,
    case when consents.channel = 'email' then consents.email else consents.phone end as address
from {{ ref('stg_landing__consents') }} as consents
left join {{ ref('stg_identity__map') }} as people
    on consents.source = people.source and consents.source_record_id = people.source_record_id
