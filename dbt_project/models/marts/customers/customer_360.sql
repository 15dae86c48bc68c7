{#-
  The last projection: only here, and in shipments, does anything depend on the day (`as_of`). Which columns there are, and
  what they mean, stands in data_contracts/published/customer_360.odcs.yaml; traits come after them.
-#}
{{ config(contract={'enforced': false}) }}{# a build lays the contract over it, enforced (pipelines/warehouse/promised.py) #}

with parcels as (

    select
        customer_id,
        count(case when is_awaited and (status = 'in_transit' or shipped_at is not null) then 1 end)
            as open_shipment_count,
        count(case when days_late > 0 then 1 end) as late_shipment_count,
        max(case when is_awaited and days_late > 0 then days_late end) as parcel_days_late
    from {{ ref('shipments') }}
    group by customer_id

),

recent_outreach as (

    select
        customer_id,
        count(*) as outreach_90d_count
    from {{ ref('int_outreach__touches') }}
    where was_sent and {{ days_between('occurred_at', as_of()) }} between 0 and 89
    group by customer_id

),

dated as (

    select
        customer_id,
        -- an order from after `as_of` (a wrong clock, a build that looks back) is of today
        case
            when last_order_at is not null then greatest(0, {{ days_between('last_order_at', as_of()) }})
        end as days_since_last_order
    from {{ ref('int_purchases__customers') }}

),

tiers as (

    select count(vip_tier) > 0 as are_told
    from {{ ref('int_purchases__vip') }}

),

score_freshness as (

    select case when count(*) > 0 then 'stale' else 'fresh' end as score_freshness
    from {{ ref('source_freshness') }}
    where table_name = 'purchases' and state = 'silent'

),

known as (

    select
        profile.customer_id,
        profile.given_name,
        profile.family_name,
        profile.display_name,
        profile.email,
        profile.phone,
        profile.country,
        profile.language,
        profile.time_zone,
        profile.time_zone_source,
        profile.first_seen_at,
        profile.last_seen_at,
        profile.record_count,
        profile.source_count,
        profile.sources,
        profile.conflict_count,
        coalesce(confidence.identity_confidence, 'certain') as identity_confidence,
        coalesce(consents.email_consent, 'none') as email_consent,
        coalesce(consents.sms_consent, 'none') as sms_consent,
        coalesce(consents.whatsapp_consent, 'none') as whatsapp_consent,
        coalesce(consents.voice_consent, 'none') as voice_consent,
        reach.email_reachable,
        reach.sms_reachable,
        reach.whatsapp_reachable,
        reach.email_validity,
        reach.phone_validity,
        reach.email_last_success_at,
        reach.sms_last_success_at,
        reach.whatsapp_last_success_at,
        reach.email_bounced_at,
        reach.contactability,
        preferences.preferred_channel,
        preferences.preferred_channel_reason,
        preferences.preferred_channel_source,
        engagement.usual_hour,
        coalesce(engaged.engagement_level, 'unknown') as engagement_level,
        coalesce(engaged.emails_sent_90d, 0) as emails_sent_90d,
        coalesce(engaged.opens_90d, 0) as opens_90d,
        coalesce(engaged.clicks_90d, 0) as clicks_90d,
        coalesce(engaged.replies_90d, 0) as replies_90d,
        coalesce(engaged.sms_sent_90d, 0) as sms_sent_90d,
        coalesce(engaged.sms_replies_90d, 0) as sms_replies_90d,
        coalesce(engaged.machine_opens_90d, 0) as machine_opens_90d,
        coalesce(engaged.scanner_clicks_90d, 0) as scanner_clicks_90d,
        engagement.last_open_at,
        engagement.last_click_at,
        purchases.first_order_at,
        purchases.last_order_at,
        dated.days_since_last_order,
        coalesce(purchases.order_count, 0) as order_count,
        coalesce(purchases.net_revenue_minor, 0) as net_revenue_minor,
        coalesce(purchases.refund_minor, 0) as refund_minor,
        coalesce(purchases.refund_count, 0) as refund_count,
        purchases.return_rate,
        purchases.average_order_minor,
        categories.favourite_category,
        categories.categories,
        coalesce(variety.product_count, 0) as product_count,
        rhythm.usual_gap_days,
        {{ unless_objected('suggestions.suggested_product') }} as suggested_product,
        {{ unless_objected('suggestions.suggested_product_reason') }} as suggested_product_reason,
        {{ unless_objected('rfm.rfm_recency') }} as rfm_recency,
        {{ unless_objected('rfm.rfm_frequency') }} as rfm_frequency,
        {{ unless_objected('rfm.rfm_monetary') }} as rfm_monetary,
        {{ unless_objected('rfm.rfm_score') }} as rfm_score,
        {{ unless_objected('rfm.rfm_segment') }} as rfm_segment,
        {{ unless_objected("case when tiers.are_told then coalesce(vip.vip_tier, 'none') end") }} as vip_tier,
        {{ unless_objected('lifetime.probability_alive') }} as probability_alive,
        {{ unless_objected('lifetime.expected_orders_90d') }} as expected_orders_90d,
        {{ unless_objected('lifetime.expected_orders_365d') }} as expected_orders_365d,
        {{ unless_objected('lifetime.expected_order_minor') }} as expected_order_minor,
        {{ unless_objected('lifetime.value_90d_minor') }} as value_90d_minor,
        {{ unless_objected('lifetime.value_365d_minor') }} as value_365d_minor,
        {{ unless_objected('lifetime.next_order_expected_at') }} as next_order_expected_at,
        case
            when consents.profiling_objected then 'They objected to profiling.'
            when lifetime.customer_id is null then 'They have not ordered yet.'
            else lifetime.note
        end as value_note,
        {{ unless_objected('churn.churn_risk') }} as churn_risk,
        {{ unless_objected('churn.churn_level') }} as churn_level,
        {{ unless_objected('churn.churn_method') }} as churn_method,
        {{ unless_objected('churn.churn_reasons') }} as churn_reasons,
        coalesce(consents.profiling_objected, false) as profiling_objected,
        case
            when consents.profiling_objected then 'They objected to profiling, so nothing is concluded about them.'
            when churn.customer_id is null then 'They have not ordered yet.'
            else churn.churn_note
        end as score_note,
        coalesce(parcels.open_shipment_count, 0) as open_shipment_count,
        coalesce(parcels.late_shipment_count, 0) as late_shipment_count,
        parcels.parcel_days_late,
        coalesce(messages.inbound_message_count, 0) as inbound_message_count,
        coalesce(messages.outbound_message_count, 0) as outbound_message_count,
        messages.last_inbound_at,
        messages.last_inbound_channel,
        coalesce(service.open_conversation_count, 0) as open_conversation_count,
        service.waiting_since,
        coalesce(service.open_complaint_count, 0) as open_complaint_count,
        service.first_response_median_seconds,
        service.resolution_median_seconds,
        coalesce(service.repeat_contacts_7d, 0) as repeat_contacts_7d,
        coalesce(service.channel_switch_count, 0) as channel_switch_count,
        {{ unless_objected('service.effort_score') }} as effort_score,
        service.last_ticket_at,
        {{ unless_objected('mood.sentiment_30d') }} as sentiment_30d,
        coalesce({{ unless_objected('mood.sentiment_trend') }}, 'unknown') as sentiment_trend,
        coalesce(feedback.satisfaction_state, 'unknown') as satisfaction_state,
        feedback.last_feedback_at,
        feedback.last_csat,
        feedback.last_nps,
        feedback.last_review_rating,
        feedback.last_review_verified,
        outreach.last_outreach_at,
        outreach.last_outreach_campaign,
        outreach.last_outreach_state,
        coalesce(recent_outreach.outreach_90d_count, 0) as outreach_90d_count,
        score_freshness.score_freshness,
        {{ lifecycle_stage('dated.days_since_last_order', 'purchases.order_count') }} as lifecycle_stage
    from {{ ref('int_profile__customers') }} as profile
    cross join score_freshness
    cross join tiers
    left join {{ ref('int_profile__confidence') }} as confidence on profile.customer_id = confidence.customer_id
    left join {{ ref('int_consents__customers') }} as consents on profile.customer_id = consents.customer_id
    left join {{ ref('int_reach__customers') }} as reach on profile.customer_id = reach.customer_id
    left join {{ ref('int_messages__preferred_channel') }} as preferences on profile.customer_id = preferences.customer_id
    left join {{ ref('int_engagement__customers') }} as engagement on profile.customer_id = engagement.customer_id
    left join {{ ref('int_engagement__dated') }} as engaged on profile.customer_id = engaged.customer_id
    left join {{ ref('int_purchases__customers') }} as purchases on profile.customer_id = purchases.customer_id
    left join {{ ref('int_purchases__categories') }} as categories on profile.customer_id = categories.customer_id
    left join {{ ref('int_purchases__variety') }} as variety on profile.customer_id = variety.customer_id
    left join {{ ref('int_purchases__rhythm') }} as rhythm on profile.customer_id = rhythm.customer_id
    left join {{ ref('int_purchases__suggestions') }} as suggestions on profile.customer_id = suggestions.customer_id
    left join {{ ref('int_purchases__rfm') }} as rfm on profile.customer_id = rfm.customer_id
    left join {{ ref('int_purchases__vip') }} as vip on profile.customer_id = vip.customer_id
    left join {{ ref('stg_scoring__lifetime_value') }} as lifetime on profile.customer_id = lifetime.customer_id
    left join {{ ref('stg_scoring__churn') }} as churn on profile.customer_id = churn.customer_id
    left join {{ ref('int_messages__customers') }} as messages on profile.customer_id = messages.customer_id
    left join {{ ref('int_outreach__customers') }} as outreach on profile.customer_id = outreach.customer_id
    left join {{ ref('int_service__dated') }} as service on profile.customer_id = service.customer_id
    left join {{ ref('int_service__mood_dated') }} as mood on profile.customer_id = mood.customer_id
    left join {{ ref('int_feedback__customers') }} as feedback on profile.customer_id = feedback.customer_id
    left join parcels on profile.customer_id = parcels.customer_id
    left join recent_outreach on profile.customer_id = recent_outreach.customer_id
    left join dated on profile.customer_id = dated.customer_id

)

select
    known.*,
    case when not known.profiling_objected then {{ next_best_action('action') }} end as next_best_action,
    case when not known.profiling_objected then {{ next_best_action('reason') }} end as next_best_action_reason
    {{- trait_columns() }}
from known
{{- trait_joins('known.customer_id') }}
