{#-
  What each source says of each person, once: records of one kind that say the same are one statement. An order of ten
  lines names its buyer ten times, so this is small beside the records, and what chooses among values reads it alone.
-#}
{%- set said = [
    'given_name', 'family_name', 'birth_date', 'email', 'phone', 'street', 'city', 'postcode', 'country'
] | join(', ') -%}
with records as (

    select
        origin_table,
        source,
        source_record_id,
        occurred_at,
        {{ said }},
        {{ no_text() }} as language,
        {{ no_text() }} as time_zone
    from {{ ref('int_identity__records') }}
    where origin_table <> 'contacts'

    union all

    -- a contact record says more than identity reads; a time zone that there is not is none
    select
        'contacts' as origin_table,
        source,
        source_record_id,
        occurred_at,
        {{ said }},
        language,
        zones.name as time_zone
    from {{ ref('stg_landing__contacts') }} as contacts
    left join {{ time_zones() }} as zones
        on contacts.time_zone = zones.name

),

owned as (

    select
        people.customer_id,
        records.*
    from records
    inner join {{ ref('stg_identity__map') }} as people
        on records.source = people.source and records.source_record_id = people.source_record_id

)

select
    customer_id,
    origin_table,
    source,
    {{ said }},
    language,
    time_zone,
    {{ newest('source_record_id', 'occurred_at') }} as source_record_id,
    min(occurred_at) as first_seen_at,
    max(occurred_at) as occurred_at,
    count(*) as record_count
from owned
where {{ in_lot('customer_id') }}
group by customer_id, origin_table, source, {{ said }}, language, time_zone
