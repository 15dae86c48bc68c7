{{ config(tags=['after_scoring']) }}

select
    model,
    state,
    sentence,
    fitted_at,
    data_until,
    observations,
    {{ as_text('parameters') }} as parameters,
    log_likelihood,
    {{ as_text('fit') }} as fit
from {{ source('scoring', 'model_fits') }}
