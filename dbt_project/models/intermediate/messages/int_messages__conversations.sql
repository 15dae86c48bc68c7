{#- Chats as they stood when they were last heard of. Every message of a conversation belongs to one customer. -#}
with ranked as (

    select
        chats.*,
        people.customer_id,
        row_number() over (
            partition by chats.source, chats.conversation_id
            order by chats.occurred_at desc, chats.source_record_id desc
        ) as newest
    from {{ ref('stg_landing__chat_messages') }} as chats
    left join {{ ref('stg_identity__map') }} as people
        on chats.source = people.source and chats.source_record_id = people.source_record_id
    where not chats.is_private

)

select
    source,
    conversation_id,
    customer_id,
    occurred_at as last_message_at,
    topic,
    conversation_status as status
from ranked
where newest = 1
