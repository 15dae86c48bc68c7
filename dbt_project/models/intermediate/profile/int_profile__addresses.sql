{#- What each person is reached or known by. -#}
with known as (

    select
        customer_id,
        max(case when identifier_type = 'external_id' then value end) as external_id,
        max(case when identifier_type = 'handle' then value end) as handle
    from {{ ref('stg_identity__identifiers') }}
    where is_best
    group by customer_id

)

select
    golden.customer_id,
    golden.email,
    golden.phone,
    known.external_id,
    known.handle
from {{ ref('int_profile__golden') }} as golden
left join known
    on golden.customer_id = known.customer_id
