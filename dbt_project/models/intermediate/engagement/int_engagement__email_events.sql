{#-
  Every open and click of an e-mail with who did it, a person or a machine, and by which sign. Mail programs load
  pictures before anybody reads, and security gateways follow links on a mail's way in. Nothing is dropped: a machine's
  open still says that the mail arrived. The signs are those of the senders' own guides: reported by the provider, within
  seconds of delivery or before it, many links in one go, a link that no person can see.
-#}
{%- set trapped %}
{%- for part in var('hidden_links') %} or {{ dbt.position("'" ~ part | replace("'", "''") ~ "'", 'url') }} > 0{% endfor %}
{%- endset -%}
with reactions as (

    select
        *,
        coalesce(false {{ trapped }}, false) as is_trapped
    from {{ ref('stg_landing__email_events') }}
    where event in ('open', 'click')

),

deliveries as (

    select
        email,
        message_ref,
        min(occurred_at) as delivered_at
    from {{ ref('stg_landing__email_events') }}
    where event = 'delivered'
    group by email, message_ref

),

scans as ({{ email_scans('reactions') }})

select
    people.customer_id,
    reactions.source,
    reactions.source_record_id,
    reactions.occurred_at,
    reactions.event,
    reactions.message_ref,
    reactions.url,
    reactions.campaign,
    case
        when reactions.is_machine then 'reported'
        when reactions.is_trapped then 'hidden_link'
        when scans.source_record_id is not null then 'many_links'
        when
            {{ seconds_between('deliveries.delivered_at', 'reactions.occurred_at') }} <= {{ var('machine_seconds') }}
            then 'at_delivery'
    end as machine_sign
from reactions
left join deliveries
    on reactions.email = deliveries.email and reactions.message_ref = deliveries.message_ref
left join scans
    on reactions.source = scans.source and reactions.source_record_id = scans.source_record_id
left join {{ ref('stg_identity__map') }} as people
    on reactions.source = people.source and reactions.source_record_id = people.source_record_id
