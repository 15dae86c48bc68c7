with latest as (

    {{ latest_version(source('landing', 'products')) }}

),

renamed as (

    select
        source,
        source_record_id,
        occurred_at,
        received_at,
        product_id,
        name,
        category,
        price_minor,
        currency
    from latest

)

select * from renamed
