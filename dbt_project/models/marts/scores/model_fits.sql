{{ config(materialized='view') }}

select
    model,
    state,
    sentence,
    fitted_at,
    data_until,
    observations,
    parameters,
    log_likelihood,
    fit
from {{ ref('stg_scoring__model_fits') }}
