{#- Messages of providers' exports that our own records of outreach tell too, with campaign and customer. -#}
{{ config(materialized='view') }}
select distinct message_id
from {{ ref('int_outreach__touches') }}
where customer_id is not null and message_id is not null and (was_attempted or direction = 'inbound')
