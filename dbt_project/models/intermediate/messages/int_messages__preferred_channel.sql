{#-
  What a person said outranks what we conclude. They said it by agreeing to one channel and revoking others; we conclude
  it from how they answer, where they have not declined. Chat is no candidate: we cannot open one.
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
        scores.*,
        sum(scores.reply_count) over (partition by scores.customer_id) as all_replies,
        row_number() over (
            partition by scores.customer_id
            order by scores.score desc, scores.last_reply_at desc, scores.channel
        ) as preference
    from {{ ref('int_messages__reply_scores') }} as scores
    left join {{ ref('int_consents__customers') }} as consents
        on scores.customer_id = consents.customer_id
    where
        case scores.channel
            {%- for channel in names %}
            when '{{ channel }}' then coalesce(consents.{{ channel }}_consent, 'none') <> 'revoked'
            {%- endfor %}
            else false
        end

),

concluded as (

    select
        customer_id,
        channel,
        'Wrote to us by ' || {{ channel_name('channel') }} || ' '
        || case
            when reply_count = all_replies then {{ counted('reply_count', 'time') }}
            else {{ as_text('reply_count') }} || ' of ' || {{ counted('all_replies', 'time') }}
        end
        || ', last on ' || {{ as_text('cast(last_reply_at as date)') }} || '.' as reason
    from ranked
    where preference = 1

)

select
    coalesce(said.customer_id, concluded.customer_id) as customer_id,
    coalesce(said.channel, concluded.channel) as preferred_channel,
    coalesce(said.reason, concluded.reason) as preferred_channel_reason
from said
full outer join concluded
    on said.customer_id = concluded.customer_id
