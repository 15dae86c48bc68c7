{#-
  Each person's best e-mail address: whether it works, and whether anything may still go there. Of an address that nobody
  has tried we say so. What the store has suppressed counts beside the news, for nothing is sent there either.
-#}
with judged as (

    select
        golden.customer_id,
        proven.last_success_at as email_last_success_at,
        dead.since as email_bounced_at,
        consents.email_suppression as suppression,
        case
            when dead.reason = 'complained' or consents.email_suppression = 'complaint' then 'complained'
            when dead.reason is not null or consents.email_suppression in ('bounce', 'provider') then 'bounced'
            when proven.last_success_at is not null then 'confirmed'
            else 'unconfirmed'
        end as email_validity
    from {{ ref('int_profile__golden') }} as golden
    left join {{ ref('int_addresses__proven') }} as proven
        on proven.channel = 'email' and golden.email = proven.value
    left join {{ ref('int_addresses__dead') }} as dead
        on dead.channel = 'email' and golden.email = dead.value
    left join {{ ref('int_consents__customers') }} as consents
        on golden.customer_id = consents.customer_id
    where golden.email is not null

)

select
    customer_id,
    email_validity,
    email_last_success_at,
    email_bounced_at,
    email_validity in ('confirmed', 'unconfirmed')
    -- who unsubscribed still gets the receipt of an order
    and coalesce(suppression, 'unsubscribe') = 'unsubscribe' as email_reachable
from judged
