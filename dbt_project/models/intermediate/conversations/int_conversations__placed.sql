{#-
  Turns with their conversation. What is no talk itself (a note, a bot, a ticket's solution) belongs where its thread
  was last spoken in, else where it will first be. Where only the company spoke there is no conversation.
-#}
{%- set in_order = 'order by occurred_at, role_order, source, source_record_id, part' -%}
with threaded as (

    select
        *,
        case when thread is not null then coalesce(
            max(number) over (
                partition by customer_id, thread {{ in_order }} rows between unbounded preceding and current row
            ),
            min(number) over (
                partition by customer_id, thread {{ in_order }} rows between 1 following and unbounded following
            )
        ) end as thread_number
    from {{ ref('int_conversations__numbered') }}

),

numbered as (

    select
        *,
        coalesce(number, thread_number) as conversation_number
    from threaded
    where number is not null or thread_number is not null

),

ranked as (

    select
        *,
        row_number() over (partition by customer_id, conversation_number {{ in_order }}) as place,
        max(case when is_talk and (is_inbound or channel = 'voice') then 1 else 0 end) over (
            partition by customer_id, conversation_number
        ) as is_two_way
    from numbered

)

select
    ranked.customer_id,
    'conv:' || first_turns.source || ':' || first_turns.source_record_id
    || case when first_turns.part = 'said' then '' else '/' || first_turns.part end as conversation_id,
    ranked.source,
    ranked.source_record_id,
    ranked.part,
    ranked.occurred_at,
    ranked.channel,
    ranked.thread,
    ranked.role,
    ranked.is_inbound,
    ranked.agent,
    ranked.order_id,
    ranked.is_settled,
    ranked.place
from ranked
inner join ranked as first_turns
    on
        ranked.customer_id = first_turns.customer_id
        and ranked.conversation_number = first_turns.conversation_number
        and first_turns.place = 1
where ranked.is_two_way = 1
