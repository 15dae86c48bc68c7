{{ config(materialized='view') }}

{#- A view: hardly any value is refused, and to write all of them down twice cost a quarter of this half of the models. -#}
select
    seen.origin_table,
    seen.source,
    seen.source_record_id,
    seen.occurred_at,
    seen.identifier_type,
    seen.value,
    seen.match_key,
    refused.reason as refused_reason
from {{ ref('int_identity__values') }} as seen
left join {{ ref('int_identity__refused_values') }} as refused
    on seen.identifier_type = refused.identifier_type and seen.match_key = refused.match_key
