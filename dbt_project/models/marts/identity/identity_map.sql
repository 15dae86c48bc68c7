select
    source,
    source_record_id,
    customer_id
from {{ ref('stg_identity__map') }}
