select
    lines.source,
    lines.source_record_id,
    people.customer_id,
    lines.order_id,
    lines.occurred_at,
    lines.line_kind,
    lines.product_id,
    coalesce(lines.product_name, products.name) as product_name,
    coalesce(lines.product_category, products.category) as product_category,
    lines.quantity,
    lines.unit_price_minor,
    lines.net_amount_minor,
    lines.currency
from {{ ref('stg_landing__purchases') }} as lines
left join {{ ref('stg_identity__map') }} as people
    on lines.source = people.source and lines.source_record_id = people.source_record_id
left join {{ ref('int_catalogue__products') }} as products
    on lines.source = products.source and lines.product_id = products.product_id
