select
    customer_id,
    coalesce(address, '') as address_key,
    channel,
    purpose,
    state,
    "at",
    suppression
from {{ source('store', 'consents') }}
