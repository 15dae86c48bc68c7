{#-
  How each person can be reached. `contactability` is that of their best channel: 40 for an address that works as far as we
  know, 20 more where something arrived there, 40 more where they agreed to marketing, 10 where they were never asked. A
  number that can only be called is worth 20.
-#}
{%- set points = {
    'email': 'emails.email_reachable',
    'sms': 'phones.sms_reachable',
    'whatsapp': 'phones.whatsapp_reachable',
} -%}
select
    people.customer_id,
    emails.email_validity,
    phones.phone_validity,
    emails.email_last_success_at,
    emails.email_bounced_at,
    phones.sms_last_success_at,
    phones.whatsapp_last_success_at,
    coalesce(emails.email_reachable, false) as email_reachable,
    coalesce(phones.sms_reachable, false) as sms_reachable,
    coalesce(phones.whatsapp_reachable, false) as whatsapp_reachable,
    greatest(
{%- for channel, reachable in points.items() %}
        case
            when not coalesce({{ reachable }}, false) then 0
            else 40
                + case when {{ channel }}_last_success_at is not null then 20 else 0 end
                + case coalesce({{ channel }}_consent, 'none') when 'granted' then 40 when 'none' then 10 else 0 end
        end,
{%- endfor %}
        case when phones.phone_validity not in ('unverified', 'impossible') then 20 else 0 end
    ) as contactability
from {{ ref('int_profile__golden') }} as people
left join {{ ref('int_reach__emails') }} as emails on people.customer_id = emails.customer_id
left join {{ ref('int_reach__phones') }} as phones on people.customer_id = phones.customer_id
left join {{ ref('int_consents__customers') }} as consents on people.customer_id = consents.customer_id
