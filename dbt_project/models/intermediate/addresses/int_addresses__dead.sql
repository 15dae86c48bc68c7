{#-
  Addresses whose last news was that nothing arrives there, by channel: a bounce or a complaint, or an error that will not go
  away by itself (Twilio 21211, 21610, 21614, 21635, 30004, 30005, 30006, 63024). Something that arrives later clears them.
-#}
with news as (

    select
        'email' as channel,
        email as value,
        occurred_at,
        source_record_id,
        case event
            when 'spamreport' then 'complained'
            when 'bounce' then 'bounced'
            when 'dropped' then 'bounced'
        end as reason
    from {{ ref('stg_landing__email_events') }}
    where event in ('bounce', 'dropped', 'spamreport', 'delivered', 'open', 'click') and email is not null

    union all

    select
        {{ usable_channel('channel') }} as channel,
        phone as value,
        occurred_at,
        source_record_id,
        case when status not in ('delivered', 'read') then 'failed' end as reason
    from {{ ref('stg_landing__sms_messages') }}
    where
        direction = 'outbound'
        and phone is not null
        and (
            status in ('delivered', 'read')
            or error_code in (21211, 21610, 21614, 21635, 30004, 30005, 30006, 63024)
        )

),

-- hardly any address has ever refused something, and only those have to be put in order
doubted as (

    select distinct channel, value
    from news
    where reason is not null

),

ranked as (

    select
        news.*,
        row_number() over (
            partition by news.channel, news.value
            order by news.occurred_at desc, news.source_record_id desc
        ) as newest
    from news
    inner join doubted on news.channel = doubted.channel and news.value = doubted.value

)

select
    channel,
    value,
    reason,
    occurred_at as since
from ranked
where newest = 1 and reason is not null
