select
    old_customer_id,
    customer_id,
    "at",
    reason
from {{ ref('stg_identity__aliases') }}
