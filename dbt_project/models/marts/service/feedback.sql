select
    judged.touch_id,
    judged.customer_id,
    judged.occurred_at,
    judged.kind,
    judged.channel,
    judged.score,
    cast(judged.score_scale as integer) as score_scale,
    judged.score_share,
    judged.verdict,
    judged.is_verified,
    judged.is_buyer,
    judged.product_id,
    judged.product_name,
    judged.order_id,
    judged.ticket_id,
    judged.source,
    judged.source_record_id
from {{ ref('int_feedback__judged') }} as judged
where judged.score is not null
