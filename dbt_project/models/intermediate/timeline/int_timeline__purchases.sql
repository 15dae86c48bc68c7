{#- Orders, what came back of them, and their parcels. Amounts over all touches of a person sum to their net revenue. -#}
with orders as (

    select
        *,
        currency = '{{ var("currency") }}' as is_own_currency
    from {{ ref('int_purchases__orders') }}

),

sold as (

    select
        customer_id,
        ordered_at as occurred_at,
        'shop' as channel,
        'purchases' as origin_table,
        'in' as direction,
        'order' as kind,
        'Order ' || order_id || ', ' || {{ counted('sale_line_count', 'line') }} as title,
        {{ no_text() }} as body,
        source,
        order_id,
        first_record_id as source_record_id,
        'order:' || order_key as touch_id,
        status as state,
        case when is_own_currency then sale_minor end as amount_minor
    from orders
    where sale_line_count > 0

),

given_back as (

    select
        customer_id,
        changed_at as occurred_at,
        'shop' as channel,
        'purchases' as origin_table,
        'none' as direction,
        'refund' as kind,
        case status
            when 'cancelled' then 'Cancelled: order '
            when 'adjusted' then 'Put right: order '
            else 'Refund on order '
        end || order_id as title,
        {{ no_text() }} as body,
        source,
        order_id,
        first_record_id as source_record_id,
        'refund:' || order_key as touch_id,
        status as state,
        case when is_own_currency then net_amount_minor - sale_minor end as amount_minor
    from orders
    where changed_at is not null

)

select * from sold
union all
select * from given_back
