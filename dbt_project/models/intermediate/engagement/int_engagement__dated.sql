{#-
  What went to each person and what came back in the 90 days to `as_of`. A message counts once for each thing done with it,
  however often it is opened and however many of its links are followed.
-#}
with acts as (

    select customer_id, 'sent ' || channel as what, message_key, sent_at as occurred_at
    from {{ ref('int_reach__sends') }}

    union all

    select
        customer_id,
        case when machine_sign is not null then 'machine ' else '' end || event as what,
        coalesce(message_ref, source_record_id) as message_key,
        occurred_at
    from {{ ref('int_engagement__email_events') }}
    where customer_id is not null and (machine_sign is not null or event = 'open')

    union all

    select customer_id, kind || case when kind = 'message' then ' ' || channel else '' end as what, message_key, occurred_at
    from {{ ref('int_engagement__answers') }}

),

-- each thing done with each message, once
done as (

    select customer_id, what, message_key, count(*) as act_count
    from acts
    where {{ days_between('occurred_at', as_of()) }} between 0 and 89
    group by customer_id, what, message_key

),

counts as (

    select
        customer_id,
{%- for column, what in {
    'emails_sent_90d': 'sent email',
    'opens_90d': 'open',
    'clicks_90d': 'click',
    'replies_90d': 'message email',
    'sms_sent_90d': 'sent sms',
    'sms_replies_90d': 'message sms',
    'machine_opens_90d': 'machine open',
    'scanner_clicks_90d': 'machine click',
}.items() %}
        count(case when what = '{{ what }}' then message_key end) as {{ column }},
{%- endfor %}
        count(case
            when what not like 'sent %' and what not like 'machine %' and what <> 'open' then message_key
        end) as answer_count,
        cast(sum(case when what like 'sent %' then act_count else 0 end) as bigint) as sent_count
    from done
    group by customer_id

)

select
    *,
    case
        when answer_count >= 2 then 'high'
        when answer_count = 1 or opens_90d > 0 then 'some'
        when sent_count > 0 then 'none'
        else 'unknown'
    end as engagement_level
from counts
