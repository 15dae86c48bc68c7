{#-
  The tier of every buyer by what better buyers bring in already (an ABC analysis: H. F. Dickie, ABC inventory analysis
  shoots for dollars, not pennies, 1951). Who are equal are in one tier. No tiers among fewer than scored_buyers buyers.
-#}
with buyers as (

    select
        customer_id,
        order_count > 0 and net_revenue_minor > 0 as has_spent,
        case when order_count > 0 and net_revenue_minor > 0 then net_revenue_minor else 0 end as spent_minor
    from {{ ref('int_purchases__customers') }}

),

ranked as (

    select
        customer_id,
        has_spent,
        count(case when has_spent then 1 end) over () as buyer_count,
        sum(spent_minor) over () as total_minor,
        sum(spent_minor) over (order by spent_minor desc range between unbounded preceding and current row)
        - spent_minor * count(*) over (partition by spent_minor) as better_minor
    from buyers

)

select
    customer_id,
    case
        when buyer_count < {{ var('scored_buyers') }} then null
        when not has_spent then 'none'
        {%- for tier, share in var('vip_shares').items() %}
        when 100 * better_minor < {{ share }} * total_minor then '{{ tier }}'
        {%- endfor %}
        else 'none'
    end as vip_tier
from ranked
