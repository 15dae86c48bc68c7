{{ config(tags=['after_identity']) }}

select
    text_key,
    language,
    sentiment,
    label
from {{ source('scoring', 'sentiments') }}
