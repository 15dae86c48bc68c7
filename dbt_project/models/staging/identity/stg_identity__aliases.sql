select
    old_customer_id,
    customer_id,
    "at",
    reason
from {{ source('identity', 'identity_alias') }}
