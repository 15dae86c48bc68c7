{#-
  Each person's best number: what the numbering plans say of it, and on which channels it takes messages. WhatsApp counts
  only where something arrived or came from there: nothing tells beforehand whether a number has it.
-#}
with proven as (

    select
        value,
        max(case when channel = 'sms' then last_success_at end) as sms_last_success_at,
        max(case when channel = 'whatsapp' then last_success_at end) as whatsapp_last_success_at,
        max(case when channel = 'voice' then last_success_at end) as voice_last_success_at
    from {{ ref('int_addresses__proven') }}
    where channel <> 'email'
    group by value

),

dead as (

    select
        value,
        max(case when channel = 'sms' then since end) as sms_since,
        max(case when channel = 'whatsapp' then since end) as whatsapp_since
    from {{ ref('int_addresses__dead') }}
    where channel <> 'email'
    group by value

),

judged as (

    select
        golden.customer_id,
        proven.sms_last_success_at,
        proven.whatsapp_last_success_at,
        proven.voice_last_success_at,
        dead.sms_since is null and coalesce(consents.sms_suppression, 'unsubscribe') = 'unsubscribe' as takes_sms,
        dead.whatsapp_since is null and coalesce(consents.whatsapp_suppression, 'unsubscribe') = 'unsubscribe'
            as takes_whatsapp,
        {{ phone_validity('plans.validity', 'plans.kind') }} as phone_validity
    from {{ ref('int_profile__golden') }} as golden
    left join {{ ref('stg_identity__phones') }} as plans on golden.phone = plans.phone
    left join proven on golden.phone = proven.value
    left join dead on golden.phone = dead.value
    left join {{ ref('int_consents__customers') }} as consents on golden.customer_id = consents.customer_id
    where golden.phone is not null

)

select
    customer_id,
    phone_validity,
    sms_last_success_at,
    whatsapp_last_success_at,
    voice_last_success_at,
    takes_sms
    and (
        phone_validity in ('mobile', 'landline_or_mobile', 'voip', 'other')
        -- a landline takes texts where one has arrived; a number that nobody was given is never written to
        or (sms_last_success_at is not null and phone_validity not in ('unverified', 'impossible'))
    ) as sms_reachable,
    takes_whatsapp and whatsapp_last_success_at is not null and phone_validity not in ('unverified', 'impossible')
        as whatsapp_reachable
from judged
