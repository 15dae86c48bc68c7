select
    source,
    source_record_id,
    customer_id
from {{ source('identity', 'identity_map') }}
