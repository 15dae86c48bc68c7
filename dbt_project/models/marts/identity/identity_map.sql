select
    source,
    source_record_id,
    customer_id,
    identifier_type,
    match_key
from {{ ref('stg_identity__map') }}
