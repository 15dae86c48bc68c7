{#-
  Recency, frequency and monetary value of every buyer in fifths of all buyers (A. M. Hughes, Strategic Database
  Marketing, 1994): a score is 1 plus the whole fifths of buyers who are worse, so equal buyers have equal scores, which
  ntile would tear apart (J. R. Miglautsch, Thoughts on RFM scoring, Journal of Database Marketing 8, 2000). There is no
  score where it would say nothing: too few buyers (var scored_buyers), or all the same.
-#}
with buyers as (

    select
        customer_id,
        cast(last_order_at as date) as last_ordered_on,
        order_count,
        case when own_order_count > 0 then net_revenue_minor end as spent_minor
    from {{ ref('int_purchases__customers') }}
    where order_count > 0

),

scored as (

    select
        customer_id,
        {{ fifth_of_buyers('last_ordered_on') }} as rfm_recency,
        {{ fifth_of_buyers('order_count') }} as rfm_frequency,
        {{ fifth_of_buyers('spent_minor') }} as rfm_monetary
    from buyers

)

select
    scored.customer_id,
    scored.rfm_recency,
    scored.rfm_frequency,
    scored.rfm_monetary,
    {{ as_text('scored.rfm_recency') }} || {{ as_text('scored.rfm_frequency') }}
    || {{ as_text('scored.rfm_monetary') }} as rfm_score,
    segments.segment as rfm_segment
from scored
left join {{ ref('rfm_segments') }} as segments
    on scored.rfm_recency = segments.recency and scored.rfm_frequency = segments.frequency
