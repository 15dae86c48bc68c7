{#-
  The channel to use, and why. What a person said outranks what we conclude: they said it by agreeing to one channel and
  revoking others. We conclude it from how they answer, on channels that they have not declined. Chat is no candidate:
  we cannot open one.
-#}
{%- set names = {'email': 'e-mail', 'sms': 'SMS', 'whatsapp': 'WhatsApp'} -%}
with said as (
{% for channel, other, third in [
    ('email', 'sms', 'whatsapp'),
    ('sms', 'email', 'whatsapp'),
    ('whatsapp', 'sms', 'email'),
] %}
    select
        customer_id,
        '{{ channel }}' as channel,
        'Agreed to {{ names[channel] }} and declined '
        || case when {{ other }}_consent = 'revoked' then '{{ names[other] }}' else '{{ names[third] }}' end
        || '.' as reason
    from {{ ref('int_consents__customers') }}
    where
        {{ channel }}_consent = 'granted'
        and {{ other }}_consent <> 'granted' and {{ third }}_consent <> 'granted'
        and ({{ other }}_consent = 'revoked' or {{ third }}_consent = 'revoked')
    {% if not loop.last %}union all{% endif %}
{% endfor %}
),

ranked as (

    select
        responses.*,
        row_number() over (
            partition by responses.customer_id
            order by responses.score desc, responses.last_answer_on desc, responses.channel
        ) as preference
    from {{ ref('int_engagement__responses') }} as responses
    left join {{ ref('int_consents__customers') }} as consents
        on responses.customer_id = consents.customer_id
    where
        responses.answer_days > 0
        and case responses.channel
            {%- for channel in names %}
            when '{{ channel }}' then coalesce(consents.{{ channel }}_consent, 'none') <> 'revoked'
            {%- endfor %}
            else true
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

)

select
    coalesce(said.customer_id, concluded.customer_id) as customer_id,
    coalesce(said.channel, concluded.channel) as preferred_channel,
    coalesce(said.reason, concluded.reason) as preferred_channel_reason,
    case when said.customer_id is not null then 'stated' else 'inferred' end as preferred_channel_source
from said
full outer join concluded
    on said.customer_id = concluded.customer_id
