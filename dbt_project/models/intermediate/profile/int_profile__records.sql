select
    people.customer_id,
    records.origin_table,
    records.source,
    records.source_record_id,
    records.occurred_at,
    records.given_name,
    records.family_name,
    records.country
from {{ ref('int_identity__records') }} as records
inner join {{ ref('stg_identity__map') }} as people
    on records.source = people.source and records.source_record_id = people.source_record_id
