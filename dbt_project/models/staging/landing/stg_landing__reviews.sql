with latest as (

    {{ latest_version(source('landing', 'reviews')) }}

),

renamed as (

    select
        source,
        source_record_id,
        occurred_at,
        received_at,
        review_id,
        external_id,
        {{ email_address('email') }} as email,
        handle,
        nullif(trim(given_name), '') as given_name,
        nullif(trim(family_name), '') as family_name,
        product_id,
        product_name,
        order_id,
        rating,
        rating_scale,
        title,
        body,
        is_verified,
        is_published,
        language,
        url,
        channel,
        reply_text,
        replied_at
    from latest

)

select * from renamed
