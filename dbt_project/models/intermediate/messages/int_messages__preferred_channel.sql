{#-
  The channel to use, and why. What a person said outranks what we conclude: they said it by agreeing to one channel and
  revoking others (an address that bounced was said by nobody). We conclude it from how they answer, on channels that they
  have not declined. Chat is no candidate: we cannot open one.
-#}
{%- set names = {'email': 'e-mail', 'sms': 'SMS', 'whatsapp': 'WhatsApp'} -%}
with heard as (

    select
        customer_id,
        {%- for channel in ['email', 'sms', 'whatsapp'] %}
        {{ channel }}_consent,
        {{ channel }}_consent = 'revoked'
            and coalesce({{ channel }}_suppression, 'stop') not in ('bounce', 'provider') as {{ channel }}_declined
            {{- "," if not loop.last }}
        {%- endfor %}
    from {{ ref('int_consents__customers') }}

),

said as (
{% for channel, other, third in [
    ('email', 'sms', 'whatsapp'),
    ('sms', 'email', 'whatsapp'),
    ('whatsapp', 'sms', 'email'),
] %}
    select
        customer_id,
        '{{ channel }}' as channel,
        'Agreed to {{ names[channel] }} and declined '
        || case when {{ other }}_declined then '{{ names[other] }}' else '{{ names[third] }}' end
        || '.' as reason
    from heard
    where
        {{ channel }}_consent = 'granted'
        and {{ other }}_consent <> 'granted' and {{ third }}_consent <> 'granted'
        and ({{ other }}_declined or {{ third }}_declined)
    {% if not loop.last %}union all{% endif %}
{% endfor %}
),

ranked as (

    select
        responses.*,
        row_number() over (
            partition by responses.customer_id
            order by responses.score_billionths desc, responses.last_answer_on desc, responses.channel
        ) as preference
    from {{ ref('int_engagement__responses') }} as responses
    left join {{ ref('int_consents__customers') }} as consents
        on responses.customer_id = consents.customer_id
    where
        responses.answer_days > 0
        and case responses.channel
            {%- for channel in ['email', 'sms', 'whatsapp', 'voice'] %}
            when '{{ channel }}' then coalesce(consents.{{ channel }}_consent, 'none') <> 'revoked'
            {%- endfor %}
        end

),

concluded as (

    select
        customer_id,
        channel,
        case channel
            when 'voice' then 'Called us or took our calls'
            else 'Answered or wrote to us by ' || {{ channel_name('channel') }}
        end
        || ' on ' || {{ counted('answer_days', 'day') }}
        || case when written_days > 0 then ' (we tried on ' || {{ as_text('written_days') }} || ')' else '' end
        || ', last on ' || {{ as_text('last_answer_on') }} || '.' as reason
    from ranked
    where preference = 1

),

-- who answers nowhere and opens our mail reads it, at least
reading as (

    select
        opens.customer_id,
        'email' as channel,
        'Opens our e-mails, last on ' || {{ as_text('cast(opens.last_open_at as date)') }} || ', and has answered nowhere.'
            as reason
    from {{ ref('int_engagement__customers') }} as opens
    left join {{ ref('int_consents__customers') }} as consents
        on opens.customer_id = consents.customer_id
    where opens.last_open_at is not null and coalesce(consents.email_consent, 'none') <> 'revoked'

),

evidence as (

    select customer_id, channel, reason, 'stated' as kind, 1 as strength
    from said

    union all

    select customer_id, channel, reason, 'inferred' as kind, 2 as strength
    from concluded

    union all

    select customer_id, channel, reason, 'inferred' as kind, 3 as strength
    from reading

),

weighed as (

    select
        *,
        row_number() over (partition by customer_id order by strength) as place
    from evidence

)

select
    customer_id,
    channel as preferred_channel,
    reason as preferred_channel_reason,
    kind as preferred_channel_source
from weighed
where place = 1
