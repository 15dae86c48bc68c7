{#-
  info@, sales@ and their like, with how many people are known to write from each: different customer numbers of one
  source, or different given names by their first letter. A firm of one person has such an address and no other, so the
  address alone proves nothing against it; the second person does.
-#}
with writers as (

    select
        keys.email_key,
        records.source,
        records.external_id,
        substr(lower(records.given_name), 1, 1) as initial
    from {{ ref('int_identity__records') }} as records
    inner join {{ ref('int_identity__email_keys') }} as keys
        on records.email = keys.email
    where {{ matches('keys.email_key', "'" ~ role_pattern() ~ "'") }}

),

counts as (

    select
        email_key,
        count(distinct external_id) as people
    from writers
    group by email_key, source

    union all

    select
        email_key,
        count(distinct initial) as people
    from writers
    group by email_key

)

select
    email_key,
    max(people) as people
from counts
group by email_key
