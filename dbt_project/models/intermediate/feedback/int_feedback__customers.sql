{#-
  How content a person said they are. The newest word counts, of several at one moment the worst: bad makes a detractor
  until something better is said; good after bad has recovered; good makes an advocate who said it of us (NPS) or in
  public (a review), for to be content with one answer of the service team is not yet to recommend. Who answered without a
  number has spoken, though nobody can tell how content they are.
-#}
with spoken as (

    select
        *,
        row_number() over (partition by customer_id, kind order by occurred_at desc, touch_id) as newest_of_kind
    from {{ ref('int_feedback__judged') }}
    where customer_id is not null

),

heard as (

    select
        customer_id,
        max(occurred_at) as last_feedback_at,
        max(case when kind = 'review' and newest_of_kind = 1 and is_buyer then 1
            when kind = 'review' and newest_of_kind = 1 then 0 end) = 1 as last_review_verified
    from spoken
    group by customer_id

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, kind
            order by occurred_at desc, score_share, touch_id
        ) as newest_of_kind,
        row_number() over (partition by customer_id order by occurred_at desc, score_share, touch_id) as newest,
        max(case when verdict = 'bad' then 1 else 0 end) over (partition by customer_id) as was_bad,
        max(case when verdict = 'good' and kind in ('nps', 'review') then 1 else 0 end) over (
            partition by customer_id
        ) as would_recommend
    from {{ ref('int_feedback__judged') }}
    where customer_id is not null and verdict is not null

),

judged as (

    select
        customer_id,
        max(case when kind = 'csat' and newest_of_kind = 1 then score_share end) as last_csat,
        cast(max(case when kind = 'nps' and newest_of_kind = 1 then score end) as integer) as last_nps,
        max(case when kind = 'review' and newest_of_kind = 1 then 1 + 4 * score_share end) as last_review_rating,
        max(case
            when newest > 1 then null
            when verdict = 'bad' then 'detractor'
            when verdict = 'mixed' then 'neutral'
            when was_bad = 1 then 'recovered'
            when would_recommend = 1 then 'advocate'
            else 'neutral'
        end) as satisfaction_state
    from ranked
    group by customer_id

)

select
    heard.customer_id,
    judged.last_csat,
    judged.last_nps,
    judged.last_review_rating,
    heard.last_review_verified,
    heard.last_feedback_at,
    judged.satisfaction_state
from heard
left join judged on heard.customer_id = judged.customer_id
