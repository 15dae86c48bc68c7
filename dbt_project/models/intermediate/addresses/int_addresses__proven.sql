{#- Addresses that work: something arrived there, or somebody wrote or called from there; with when that was last. -#}
with proofs as (

    select 'email' as identifier_type, 'email' as channel, email as value, occurred_at
    from {{ ref('stg_landing__email_events') }}
    where event in ('delivered', 'open', 'click')

    union all

    select 'email' as identifier_type, 'email' as channel, email as value, occurred_at
    from {{ ref('stg_landing__email_messages') }}
    where direction = 'inbound' and kind in ('letter', 'auto_reply')

    union all

    select 'phone' as identifier_type, {{ usable_channel('channel') }} as channel, phone as value, occurred_at
    from {{ ref('stg_landing__sms_messages') }}
    where direction = 'inbound' or status in ('delivered', 'read')

    union all

    select 'phone' as identifier_type, {{ usable_channel('channel') }} as channel, phone as value, occurred_at
    from {{ ref('stg_landing__social_messages') }}
    where direction = 'inbound' and kind = 'direct'

    union all

    select 'phone' as identifier_type, 'voice' as channel, phone as value, occurred_at
    from {{ ref('stg_landing__calls') }}
    where direction = 'inbound' or (status = 'completed' and coalesce(duration_seconds, 1) > 0)

    union all

    select
        case when channel = 'email' then 'email' else 'phone' end as identifier_type,
        {{ usable_channel('channel') }} as channel,
        case when channel = 'email' then email else phone end as value,
        coalesce(delivered_at, occurred_at) as occurred_at
    from {{ ref('stg_landing__outreach') }}
    where direction = 'outbound' and state in ('delivered', 'read', 'clicked')

)

select
    identifier_type,
    channel,
    value,
    max(occurred_at) as last_success_at
from proofs
where value is not null and channel is not null
group by identifier_type, channel, value
