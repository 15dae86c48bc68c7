select
    phone,
    canonical,
    validity,
    kind,
    country
from {{ source('identity', 'identity_phones') }}
