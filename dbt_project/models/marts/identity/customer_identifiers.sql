select
    customer_id,
    identifier_type,
    value,
    source_count,
    first_seen_at,
    last_seen_at,
    is_best
from {{ ref('stg_identity__identifiers') }}
