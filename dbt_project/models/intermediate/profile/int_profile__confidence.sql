{#- Whose records are tied by likeness alone, and how surely; all others are tied by the same identifiers. -#}
select
    customer_id,
    case when weakest_weight < {{ var('weak_tie_bits') }} then 'weak' else 'likely' end as identity_confidence
from {{ ref('stg_identity__likeness') }}
