{{ config(contract={'enforced': false}) }}{# a build lays the contract over it, enforced (pipelines/warehouse/promised.py) #}

{%- set columns = [
    'customer_id', 'occurred_at', 'touch_id', 'channel', 'origin_table', 'direction', 'kind', 'title', 'body',
    'source', 'source_record_id'
] | join(', ') -%}
with touches as (
{% for model, has in {
    'purchases': ['state', 'amount_minor', 'order_id'],
    'shipments': ['state', 'order_id', 'shipment_id'],
    'messages': ['campaign', 'state'],
    'profile': ['campaign', 'state'],
    'service': ['state'],
    'voices': ['campaign', 'state', 'order_id'],
}.items() %}
    select
        {{ columns }}
        {%- for column in ['campaign', 'state', 'order_id', 'shipment_id'] %},
        {{ column if column in has else no_text() ~ ' as ' ~ column }}
        {%- endfor %},
        {{ 'amount_minor' if 'amount_minor' in has else 'cast(null as bigint) as amount_minor' }}
    from {{ ref('int_timeline__' ~ model) }}
    where customer_id is not null
    {% if not loop.last %}union all{% endif %}
{% endfor %}
),

objectors as (

    select customer_id
    from {{ ref('int_consents__customers') }}
    where profiling_objected

)

select
    touches.customer_id,
    touches.occurred_at,
    touches.touch_id,
    touches.channel,
    touches.origin_table,
    touches.direction,
    touches.kind,
    touches.title,
    touches.body,
    touches.source,
    touches.source_record_id,
    touches.campaign,
    touches.state,
    touches.amount_minor,
    coalesce(touches.order_id, talks.order_id) as order_id,
    touches.shipment_id,
    talks.conversation_id,
    case when objectors.customer_id is null then moods.sentiment end as sentiment
from touches
left join {{ ref('int_conversations__touches') }} as talks
    on touches.touch_id = talks.touch_id
left join {{ ref('int_service__moods') }} as moods
    on touches.touch_id = moods.touch_id
left join objectors
    on touches.customer_id = objectors.customer_id
