{{ config(contract={'enforced': false}) }}{# a build lays the contract over it, enforced (pipelines/warehouse/promised.py) #}

{%- set columns = [
    'customer_id', 'occurred_at', 'touch_id', 'channel', 'origin_table', 'direction', 'kind', 'title', 'body',
    'source', 'source_record_id'
] | join(', ') -%}
with touches as (

    select {{ columns }}, {{ no_text() }} as campaign, state, amount_minor
    from {{ ref('int_timeline__purchases') }}

    union all

    select {{ columns }}, {{ no_text() }} as campaign, state, cast(null as bigint) as amount_minor
    from {{ ref('int_timeline__shipments') }}

    union all

    select {{ columns }}, campaign, state, cast(null as bigint) as amount_minor
    from {{ ref('int_timeline__messages') }}

    union all

    select {{ columns }}, campaign, state, cast(null as bigint) as amount_minor
    from {{ ref('int_timeline__profile') }}

    union all

    select {{ columns }}, {{ no_text() }} as campaign, state, cast(null as bigint) as amount_minor
    from {{ ref('int_timeline__service') }}

    union all

    select {{ columns }}, campaign, state, cast(null as bigint) as amount_minor
    from {{ ref('int_timeline__voices') }}

)

select
    {{ columns }},
    campaign,
    state,
    amount_minor
from touches
where customer_id is not null
