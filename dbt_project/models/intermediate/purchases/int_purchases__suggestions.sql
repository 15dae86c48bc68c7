{#-
  For each buyer the product that is closest to one of their last five and that they never bought. Nobody has one whose
  last products go with nothing often enough.
-#}
with candidates as (

    select
        recent.customer_id,
        recent.source,
        recent.product_id,
        recent.place,
        pairs.other_product_id,
        pairs.cosine_millionths
    from {{ ref('int_purchases__recent') }} as recent
    inner join {{ ref('int_purchases__pairs') }} as pairs
        on recent.source = pairs.source and recent.product_id = pairs.product_id
    where recent.place <= 5

),

unbought as (

    select candidates.*
    from candidates
    left join {{ ref('int_purchases__bought') }} as bought
        on
            candidates.customer_id = bought.customer_id
            and candidates.source = bought.source
            and candidates.other_product_id = bought.product_id
    where bought.customer_id is null

),

best as (

    select
        customer_id,
        {{ largest({
            'cosine_millionths': 'cosine_millionths',
            'newness': '-place',
            'source': 'source',
            'product_id': 'product_id',
            'other_product_id': 'other_product_id',
        }) }} as choice
    from unbought
    group by customer_id

)

select
    best.customer_id,
    pairs.other_name as suggested_product,
    {{ as_text('pairs.together_count') }} || ' of the ' || {{ as_text('pairs.buyer_count') }}
    || ' people who lately bought ' || products.name || ' bought it too.' as suggested_product_reason
from best
inner join {{ ref('int_purchases__pairs') }} as pairs
    on
        best.choice.source = pairs.source
        and best.choice.product_id = pairs.product_id
        and best.choice.other_product_id = pairs.other_product_id
inner join {{ ref('int_purchases__products') }} as products
    on pairs.source = products.source and pairs.product_id = products.product_id
