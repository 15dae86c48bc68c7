{#-
  What buyers of a product bought as well, the closest first: cosine of the sets of buyers (G. Linden, B. Smith, J. York,
  Amazon.com Recommendations: Item-to-Item Collaborative Filtering, IEEE Internet Computing 7, 2003). Only pairs that
  enough people bought (var bought_together) and more of them than chance would have it (lift over 1, R. Agrawal,
  T. Imielinski, A. Swami, Mining Association Rules, 1993), and only what is on offer. Whole millionths, so that every
  engine has the same order.
-#}
with buyers as (

    select
        source,
        product_id,
        count(*) as buyer_count
    from {{ ref('int_purchases__recent') }}
    group by source, product_id
    having count(*) >= {{ var('bought_together') }}

),

everybody as (

    select
        source,
        count(distinct customer_id) as customer_count
    from {{ ref('int_purchases__recent') }}
    group by source

),

together as (

    select
        first.source,
        first.product_id,
        other.product_id as other_product_id,
        count(*) as together_count
    from {{ ref('int_purchases__recent') }} as first
    inner join {{ ref('int_purchases__recent') }} as other
        on
            first.customer_id = other.customer_id
            and first.source = other.source
            and first.product_id <> other.product_id
    group by first.source, first.product_id, other.product_id
    having count(*) >= {{ var('bought_together') }}

),

close as (

    select
        together.source,
        together.product_id,
        together.other_product_id,
        products.name as other_name,
        together.together_count,
        buyers.buyer_count,
        cast(floor(
            1000000 * together.together_count / sqrt(cast(buyers.buyer_count * others.buyer_count as double))
        ) as bigint) as cosine_millionths
    from together
    inner join buyers on together.source = buyers.source and together.product_id = buyers.product_id
    inner join buyers as others
        on together.source = others.source and together.other_product_id = others.product_id
    inner join everybody on together.source = everybody.source
    inner join {{ ref('int_purchases__products') }} as products
        on together.source = products.source and together.other_product_id = products.product_id
    where
        products.is_on_offer
        and together.together_count * everybody.customer_count > buyers.buyer_count * others.buyer_count

),

ranked as (

    select
        *,
        row_number() over (
            partition by source, product_id
            order by cosine_millionths desc, together_count desc, other_product_id
        ) as place
    from close

)

select *
from ranked
where place <= 10
