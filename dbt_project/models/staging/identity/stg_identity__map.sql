select
    source,
    source_record_id,
    customer_id,
    identifier_type,
    match_key
from {{ source('identity', 'identity_map') }}
