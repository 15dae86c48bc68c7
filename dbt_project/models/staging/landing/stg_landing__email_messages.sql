with recursive latest as (

    {{ latest_version(source('landing', 'email_messages')) }}

),

renamed as (

    select
        source,
        source_record_id,
        occurred_at,
        received_at,
        message_id,
        thread_id,
        direction,
        coalesce(kind, 'letter') as kind,
        {{ email_address('email') }} as email,
        nullif(trim(given_name), '') as given_name,
        nullif(trim(family_name), '') as family_name,
        from_email,
        to_email,
        subject,
        body_text,
        in_reply_to,
        attachment_count,
        attachments
    from latest

),

answers as (

    -- a mail that names only the mail before it belongs to the thread of that one, whichever came first or in which file
    select
        message_id,
        thread_id,
        0 as hops
    from renamed

    union all

    select
        answers.message_id,
        earlier.thread_id,
        answers.hops + 1 as hops
    from answers
    inner join renamed as earlier
        on answers.thread_id = earlier.message_id and answers.thread_id <> earlier.thread_id
    where answers.hops < 100 and answers.thread_id <> answers.message_id

),

threads as (

    select
        message_id,
        thread_id,
        row_number() over (partition by message_id order by hops desc, thread_id) as place
    from answers

)

select
    renamed.source,
    renamed.source_record_id,
    renamed.occurred_at,
    renamed.received_at,
    renamed.message_id,
    threads.thread_id,
    renamed.direction,
    renamed.kind,
    renamed.email,
    renamed.given_name,
    renamed.family_name,
    renamed.from_email,
    renamed.to_email,
    renamed.subject,
    renamed.body_text,
    renamed.in_reply_to,
    renamed.attachment_count,
    renamed.attachments
from renamed
inner join threads
    on renamed.message_id = threads.message_id and threads.place = 1
