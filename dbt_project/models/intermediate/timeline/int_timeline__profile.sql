{#- What became known about a person, what they agreed to, and what campaigns sent them. -#}
select
    people.customer_id,
    contacts.occurred_at,
    'profile' as channel,
    'contacts' as origin_table,
    'none' as direction,
    'contact' as kind,
    'Profile in ' || contacts.source as title,
    {{ no_text() }} as body,
    contacts.source,
    contacts.source_record_id,
    'contact:' || contacts.source || ':' || contacts.source_record_id as touch_id,
    {{ no_text() }} as campaign,
    {{ no_text() }} as state
from {{ ref('stg_landing__contacts') }} as contacts
inner join {{ ref('stg_identity__map') }} as people
    on contacts.source = people.source and contacts.source_record_id = people.source_record_id

union all

select
    customer_id,
    occurred_at,
    channel,
    'consents' as origin_table,
    'in' as direction,
    'consent' as kind,
    case action when 'grant' then 'Agreed to ' else 'Declined ' end || purpose || ' by ' || {{ channel_name('channel') }} as title,
    wording as body,
    source,
    source_record_id,
    'consent:' || source || ':' || source_record_id as touch_id,
    {{ no_text() }} as campaign,
    action as state
from {{ ref('int_consents__imports') }}

union all

select
    customer_id,
    occurred_at,
    channel,
    'outreach' as origin_table,
    case when direction = 'inbound' then 'in' when was_attempted then 'out' else 'none' end as direction,
    'outreach' as kind,
    case
        when direction = 'inbound' then 'Answer to ' || coalesce('campaign ' || campaign, 'our message')
        when arm = 'holdout' then 'Held out of campaign ' || coalesce(campaign, '')
        when arm = 'excluded' then 'Left out of campaign ' || coalesce(campaign, '')
        else coalesce(subject, 'Campaign ' || campaign, 'Campaign message')
    end as title,
    coalesce(body, reason) as body,
    source,
    source_record_id,
    'outreach:' || source || ':' || source_record_id as touch_id,
    campaign,
    state
from {{ ref('int_outreach__touches') }}
