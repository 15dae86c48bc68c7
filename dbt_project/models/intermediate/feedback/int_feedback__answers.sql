{#-
  What people said of us in surveys and reviews, also without a number, and tickets' good or bad where no survey tells the
  same. A ticket is rated when it is solved: a job that closes tickets later moves `updated_at` and says nothing of the person.
-#}
{%- set columns = [
    'kind', 'source', 'source_record_id', 'occurred_at', 'channel', 'score', 'score_scale', 'is_verified',
    'product_id', 'product_name', 'order_id', 'ticket_id'
] | join(', ') -%}
with surveys as (

    select
        'survey' as touch_kind,
        kind,
        source,
        source_record_id,
        occurred_at,
        channel,
        score,
        case when kind = 'nps' then 10 else score_scale end as score_scale,
        cast(null as boolean) as is_verified,
        {{ no_text() }} as product_id,
        {{ no_text() }} as product_name,
        order_id,
        ticket_id
    from {{ ref('stg_landing__survey_responses') }}

),

reviews as (

    select
        'review' as touch_kind,
        'review' as kind,
        source,
        source_record_id,
        occurred_at,
        channel,
        rating as score,
        rating_scale as score_scale,
        is_verified,
        product_id,
        product_name,
        order_id,
        {{ no_text() }} as ticket_id
    from {{ ref('stg_landing__reviews') }}

),

tickets as (

    select
        'ticket' as touch_kind,
        'csat' as kind,
        tickets.source,
        tickets.source_record_id,
        coalesce(tickets.solved_at, tickets.updated_at, tickets.occurred_at) as occurred_at,
        'ticket' as channel,
        case tickets.satisfaction when 'good' then 1.0 else 0.0 end as score,
        1 as score_scale,
        cast(null as boolean) as is_verified,
        {{ no_text() }} as product_id,
        {{ no_text() }} as product_name,
        tickets.order_id,
        tickets.ticket_id
    from {{ ref('stg_landing__tickets') }} as tickets
    left join surveys
        on tickets.source = surveys.source and tickets.ticket_id = surveys.ticket_id and surveys.kind = 'csat' and surveys.score is not null
    where tickets.satisfaction in ('good', 'bad') and surveys.source is null

),

answers as (

    select touch_kind, {{ columns }} from surveys
    union all
    select touch_kind, {{ columns }} from reviews
    union all
    select touch_kind, {{ columns }} from tickets

)

select
    people.customer_id,
    answers.touch_kind || ':' || answers.source || ':' || answers.source_record_id as touch_id,
    answers.*
from answers
left join {{ ref('stg_identity__map') }} as people
    on answers.source = people.source and answers.source_record_id = people.source_record_id
