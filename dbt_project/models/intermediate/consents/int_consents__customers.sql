{#-
  What the store's gate says of each person, at the addresses that we would write to: the view is never freer than the gate. For
  profiling any withdrawal counts, whichever channel it came by.
-#}
with reached as (

    select
        customer_id,
        coalesce(email, '') as email_key,
        coalesce(phone, '') as phone_key
    from {{ ref('int_profile__golden') }}

),

standing as (

    select
        consents.*,
        consents.address_key = case when consents.channel = 'email' then reached.email_key else reached.phone_key end
            as is_here
    from {{ ref('stg_store__consents') }} as consents
    inner join reached
        on consents.customer_id = reached.customer_id

)

select
    customer_id,
{%- for channel in ['email', 'sms', 'whatsapp', 'voice'] %}
    coalesce(
        max(case when is_here and channel = '{{ channel }}' and purpose = 'marketing' then state end), 'none'
    ) as {{ channel }}_consent,
    max(case when is_here and channel = '{{ channel }}' then suppression end) as {{ channel }}_suppression,
{%- endfor %}
    max(case when purpose = 'profiling' and state = 'revoked' then 1 else 0 end) = 1 as profiling_objected
from standing
group by customer_id
