select
    customer_id,
    min(weight) as weakest_weight
from {{ source('identity', 'identity_evidence') }}
where kind = 'probabilistic'
group by customer_id
