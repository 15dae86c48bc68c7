{#-
  Answers on one scale, `score_share`, from 0 (worst) to 1 (best), whatever the source's own: stars, satisfaction and
  effort begin at 1 and are stretched, NPS, per cent and good or bad begin at 0. A number outside its scale is no number.
  Promoters (9, 10) and detractors (0 to 6) of NPS are Reichheld's (2003); of five stars, four are good and two bad, and
  other scales are cut at the same places. Effort (ces) is read as it is asked today, high is easy (CES 2.0).
-#}
with scaled as (

    select
        *,
        case when kind = 'nps' or score_scale in (1, 100) then 0 else 1 end as lowest
    from {{ ref('int_feedback__answers') }}

),

shared as (

    select
        *,
        case
            when score between lowest and score_scale and score_scale > lowest
                then (score - lowest) / cast(score_scale - lowest as double)
        end as score_share
    from scaled

),

bought as (

    -- what was taken back whole before it left was not bought
    select distinct
        answers.touch_id
    from shared as answers
    inner join {{ bought_lines() }} as lines
        on
            answers.customer_id = lines.customer_id
            and (
                answers.order_id = lines.order_id
                or lower(answers.product_name) = lower(lines.product_name)
            )

)

select
    shared.*,
    case
        when shared.kind = 'other' or shared.score_share is null then null
        when shared.kind = 'nps' then case when shared.score >= 9 then 'good' when shared.score <= 6 then 'bad' else 'mixed' end
        when shared.score_share >= 0.75 then 'good'
        when shared.score_share <= 0.25 then 'bad'
        else 'mixed'
    end as verdict,
    case when shared.kind = 'review' then bought.touch_id is not null or coalesce(shared.is_verified, false) end as is_buyer
from shared
left join bought
    on shared.touch_id = bought.touch_id
