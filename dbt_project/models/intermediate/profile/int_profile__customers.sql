{#- One row per person: who they are, as far as records agree on it. -#}
with seen as (

    select
        customer_id,
        min(first_seen_at) as first_seen_at,
        max(occurred_at) as last_seen_at,
        cast(sum(record_count) as bigint) as record_count,
        count(distinct source) as source_count,
        {{ joined_texts('source') }} as sources
    from {{ ref('int_profile__statements') }}
    group by customer_id

)

select
    seen.*,
    golden.given_name,
    golden.family_name,
    coalesce(
        golden.given_name || ' ' || golden.family_name,
        golden.given_name,
        golden.family_name,
        addresses.email,
        addresses.phone,
        addresses.external_id,
        addresses.handle,
        seen.customer_id
    ) as display_name,
    addresses.email,
    addresses.phone,
    golden.country,
    golden.language,
    {% for fact in ['name', 'birth_date', 'address', 'country', 'language', 'time_zone'] -%}
    case when golden.{{ fact }}_candidates > 1 then 1 else 0 end{{ ' + ' if not loop.last }}
    {%- endfor %} as conflict_count,
    coalesce(golden.time_zone, zones.time_zone) as time_zone,
    case
        when golden.time_zone is not null then 'stated'
        when zones.time_zone is not null then 'country'
    end as time_zone_source
from seen
inner join {{ ref('int_profile__golden') }} as golden
    on seen.customer_id = golden.customer_id
inner join {{ ref('int_profile__addresses') }} as addresses
    on seen.customer_id = addresses.customer_id
left join {{ ref('countries') }} as zones
    on golden.country = zones.country_code
