{{ config(tags=['after_scoring']) }}

select
    customer_id,
    churn_risk,
    churn_level,
    churn_method,
    churn_note,
    {{ churn_reason('reason_1') }}
    || coalesce('; ' || {{ churn_reason('reason_2') }}, '')
    || coalesce('; ' || {{ churn_reason('reason_3') }}, '') as churn_reasons
from {{ source('scoring', 'churn') }}
