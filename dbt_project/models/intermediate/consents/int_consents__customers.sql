{#-
  Marketing consent per person and channel. The newest word about each address counts; where a person's addresses differ,
  as after a merge, the most restrictive wins.
-#}
with ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, channel, address
            -- at one moment a revocation outranks a grant
            order by occurred_at desc, action desc, source_record_id desc
        ) as newest
    from {{ ref('int_consents__imports') }}
    where purpose = 'marketing' and customer_id is not null

),

states as (

    select
        customer_id,
        channel,
        max(case when action = 'revoke' then 2 else 1 end) as severity
    from ranked
    where newest = 1
    group by customer_id, channel

)

select
    customer_id,
{%- for channel in ['email', 'sms', 'whatsapp'] %}
    case max(case when channel = '{{ channel }}' then severity end)
        when 2 then 'revoked'
        when 1 then 'granted'
        else 'none'
    end as {{ channel }}_consent{{ "," if not loop.last }}
{%- endfor %}
from states
group by customer_id
