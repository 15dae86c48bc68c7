select
    source,
    product_id,
    name,
    category,
    price_minor,
    currency,
    times_bought,
    is_on_offer
from {{ ref('int_purchases__products') }}
