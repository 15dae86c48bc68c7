{#-
  Addresses whose last news was that nothing arrives there: a bounce or a complaint, or an SMS error that will not go away
  by itself (Twilio 21211, 21610, 21614, 21635, 30004, 30005, 30006, 63024). Something delivered later clears them.
-#}
with news as (

    select
        'email' as identifier_type,
        email as value,
        occurred_at,
        source_record_id,
        event in ('bounce', 'dropped', 'spamreport') as is_dead
    from {{ ref('stg_landing__email_events') }}
    where event in ('bounce', 'dropped', 'spamreport', 'delivered', 'open', 'click') and email is not null

    union all

    select
        'phone' as identifier_type,
        phone as value,
        occurred_at,
        source_record_id,
        status not in ('delivered', 'read') as is_dead
    from {{ ref('stg_landing__sms_messages') }}
    where
        direction = 'outbound'
        and phone is not null
        and (
            status in ('delivered', 'read')
            or error_code in (21211, 21610, 21614, 21635, 30004, 30005, 30006, 63024)
        )

),

ranked as (

    select
        *,
        row_number() over (
            partition by identifier_type, value
            order by occurred_at desc, source_record_id desc
        ) as newest
    from news

)

select
    identifier_type,
    value,
    occurred_at as since
from ranked
where newest = 1 and is_dead
