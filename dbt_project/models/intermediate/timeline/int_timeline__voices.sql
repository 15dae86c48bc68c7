{#- What people say and do elsewhere: reviews, surveys, forms, social networks, events. -#}
with reviews as (

    select
        source,
        source_record_id,
        occurred_at,
        'review' as channel,
        'reviews' as origin_table,
        'in' as direction,
        'review' as kind,
        'Review'
        || coalesce(': ' || {{ plain_number('rating') }} || ' of ' || rating_scale, '')
        || coalesce(' for ' || product_name, '') as title,
        coalesce(title || ': ', '') || coalesce(body, '') as body,
        {{ no_text() }} as campaign,
        case when is_verified then 'verified' end as state,
        order_id
    from {{ ref('stg_landing__reviews') }}

),

surveys as (

    select
        source,
        source_record_id,
        occurred_at,
        coalesce(channel, 'survey') as channel,
        'survey_responses' as origin_table,
        'in' as direction,
        'survey' as kind,
        'Survey'
        || coalesce(' ' || survey_name, '')
        || coalesce(': ' || {{ plain_number('score') }} || ' of ' || score_scale, '') as title,
        coalesce(question || ' ', '') || coalesce(answer, '') as body,
        {{ no_text() }} as campaign,
        kind as state,
        order_id
    from {{ ref('stg_landing__survey_responses') }}

),

forms as (

    select
        source,
        source_record_id,
        occurred_at,
        'form' as channel,
        'form_submissions' as origin_table,
        'in' as direction,
        'form' as kind,
        'Form' || coalesce(' ' || form_name, '') || ' sent' as title,
        message as body,
        {{ no_text() }} as campaign,
        {{ no_text() }} as state,
        {{ no_text() }} as order_id
    from {{ ref('stg_landing__form_submissions') }}

),

social as (

    select
        source,
        source_record_id,
        occurred_at,
        channel,
        'social_messages' as origin_table,
        case direction when 'inbound' then 'in' else 'out' end as direction,
        'social' as kind,
        {{ channel_name('channel') }}
        || ' ' || case kind when 'direct' then 'message' else replace(kind, '_', ' ') end
        || case direction when 'inbound' then ' from them' else ' to them' end as title,
        body,
        {{ no_text() }} as campaign,
        status as state,
        {{ no_text() }} as order_id
    from {{ ref('stg_landing__social_messages') }}

),

events as (

    select
        source,
        source_record_id,
        occurred_at,
        'web' as channel,
        'events' as origin_table,
        'none' as direction,
        'event' as kind,
        upper(left(replace(name, '_', ' '), 1)) || substr(replace(name, '_', ' '), 2) as title,
        url as body,
        campaign,
        {{ no_text() }} as state,
        order_id
    from {{ ref('stg_landing__events') }}

),

touches as (

    select * from reviews
    union all
    select * from surveys
    union all
    select * from forms
    union all
    select * from social
    union all
    select * from events

)

select
    people.customer_id,
    touches.*,
    touches.kind || ':' || touches.source || ':' || touches.source_record_id as touch_id
from touches
inner join {{ ref('stg_identity__map') }} as people
    on touches.source = people.source and touches.source_record_id = people.source_record_id
