{#- One row per person: who they are, as far as records agree on it. -#}
with seen as (

    select
        customer_id,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at,
        count(*) as record_count,
        count(distinct source) as source_count
    from {{ ref('int_profile__records') }}
    group by customer_id

)

select
    seen.*,
    names.given_name,
    names.family_name,
    coalesce(
        names.given_name || ' ' || names.family_name,
        names.given_name,
        names.family_name,
        addresses.email,
        addresses.phone,
        addresses.external_id,
        addresses.handle,
        seen.customer_id
    ) as display_name,
    addresses.email,
    addresses.phone,
    coalesce(addresses.email_reachable, false) as email_reachable,
    coalesce(addresses.sms_reachable, false) as sms_reachable,
    countries.country,
    stated.language,
    coalesce(stated.time_zone, zones.time_zone) as time_zone,
    case
        when stated.time_zone is not null then 'stated'
        when zones.time_zone is not null then 'country'
    end as time_zone_source
from seen
left join {{ ref('int_profile__names') }} as names
    on seen.customer_id = names.customer_id
left join {{ ref('int_profile__addresses') }} as addresses
    on seen.customer_id = addresses.customer_id
left join {{ ref('int_profile__countries') }} as countries
    on seen.customer_id = countries.customer_id
left join {{ ref('int_profile__stated') }} as stated
    on seen.customer_id = stated.customer_id
left join {{ ref('countries') }} as zones
    on countries.country = zones.country_code
