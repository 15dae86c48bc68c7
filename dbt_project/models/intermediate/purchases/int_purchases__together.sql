{#-
  How many people have both of two products among their last ones, and how many are expected to if everybody filled as
  long a list by popularity alone (F. Chung, L. Lu, The average distances in random graphs with given expected degrees,
  PNAS 99, 2002). Pairs that fewer than var bought_together people have are left out.
-#}
with buyers as (

    select
        source,
        product_id,
        count(*) as buyer_count
    from {{ ref('int_purchases__recent') }}
    group by source, product_id

),

lists as (

    select
        source,
        customer_id,
        count(*) as length
    from {{ ref('int_purchases__recent') }}
    group by source, customer_id

),

chance as (

    -- times the buyers of each of two products: how many of them are expected to have both
    select
        source,
        cast(sum(length * (length - 1)) as double) / cast(sum(length) as double) / cast(sum(length) as double) as rate
    from lists
    group by source

),

pairs as (

    select
        first.source,
        first.product_id,
        other.product_id as other_product_id,
        count(*) as together_count
    from {{ ref('int_purchases__recent') }} as first
    inner join {{ ref('int_purchases__recent') }} as other
        on first.customer_id = other.customer_id and first.source = other.source and first.product_id <> other.product_id
    group by first.source, first.product_id, other.product_id
    having count(*) >= {{ var('bought_together') }}

)

select
    pairs.*,
    buyers.buyer_count,
    others.buyer_count as other_buyer_count,
    buyers.buyer_count * others.buyer_count * chance.rate as expected_count
from pairs
inner join chance on pairs.source = chance.source
inner join buyers on pairs.source = buyers.source and pairs.product_id = buyers.product_id
inner join buyers as others on pairs.source = others.source and pairs.other_product_id = others.product_id
