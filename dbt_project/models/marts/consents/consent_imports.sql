{{ config(materialized='view') }}

select
    customer_id,
    source,
    source_record_id,
    channel,
    purpose,
    action,
    legal_basis,
    occurred_at,
    method,
    wording,
    locale,
    address
from {{ ref('int_consents__imports') }}
