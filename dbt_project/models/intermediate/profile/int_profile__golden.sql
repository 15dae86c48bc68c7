{#- The golden record: of each attribute the value that survives, and the record that it comes from. -#}
{%- set statements = ref('int_profile__statements') -%}
with
{% for type in ['email', 'phone'] %}
-- an address that proves nothing is not the person's
held_{{ type }} as (

    select statements.*
    from {{ statements }} as statements
    inner join {{ ref('stg_identity__identifiers') }} as held
        on statements.customer_id = held.customer_id and statements.{{ type }} = held.value
    where held.identifier_type = '{{ type }}'

),
{% endfor %}
named as ({{ best_value('name', ['given_name', 'family_name'], statements) }}),

born as ({{ best_value('birth_date', ['birth_date'], statements) }}),

mailed as ({{ best_value('email', ['email'], 'held_email') }}),

called as ({{ best_value('phone', ['phone'], 'held_phone') }}),

housed as (
    {{ best_value(
        'address', ['street', 'city', 'postcode', 'country'], statements, needs=['street', 'city', 'postcode']
    ) }}
),

placed as ({{ best_value('country', ['country'], statements) }}),

spoken as ({{ best_value('language', ['language'], statements) }}),

timed as ({{ best_value('time_zone', ['time_zone'], statements) }}),

people as (

    select distinct customer_id
    from {{ statements }}
    where {{ in_lot('customer_id') }}

)

select
    people.customer_id,
    named.given_name,
    named.family_name,
    {{ won('named', 'name') }},
    born.birth_date,
    {{ won('born', 'birth_date') }},
    mailed.email,
    {{ won('mailed', 'email') }},
    called.phone,
    {{ won('called', 'phone') }},
    housed.street,
    housed.city,
    housed.postcode,
    {{ won('housed', 'address') }},
    -- the country of the address; where no address names one, the best that records say without
    coalesce(housed.country, placed.country) as country,
    {{ won('placed', 'country', unless=('housed', 'country')) }},
    spoken.language,
    {{ won('spoken', 'language') }},
    timed.time_zone,
    {{ won('timed', 'time_zone') }}
from people
{%- for choice in ['named', 'born', 'mailed', 'called', 'housed', 'placed', 'spoken', 'timed'] %}
left join {{ choice }} on people.customer_id = {{ choice }}.customer_id
{%- endfor %}
