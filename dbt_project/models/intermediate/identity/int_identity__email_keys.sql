with seen as (

    select distinct email
    from {{ ref('int_identity__records') }}
    where email is not null

),

addresses as (

    select
        email,
        split_part(email, '@', 1) as local_part,
        split_part(email, '@', 2) as domain
    from seen

),

-- tag@ann.fastmail.com is ann+tag@fastmail.com
hosted as (

    select
        addresses.email,
        addresses.domain,
        coalesce(providers.canonical_domain, parents.canonical_domain, addresses.domain) as canonical_domain,
        coalesce(providers.plus_tags, parents.plus_tags, false) as plus_tags,
        coalesce(providers.ignored, parents.ignored, '') as ignored,
        case
            when providers.domain is null and parents.domain is not null
                then split_part(addresses.domain, '.', 1)
            else addresses.local_part
        end as local_part
    from addresses
    left join {{ ref('email_providers') }} as providers
        on addresses.domain = providers.domain
    left join {{ ref('email_providers') }} as parents
        on parents.subdomains and split_part(addresses.domain, '.', 1) || '.' || parents.domain = addresses.domain

),

untagged as (

    select
        *,
        case
            when plus_tags and split_part(local_part, '+', 1) <> '' then split_part(local_part, '+', 1)
            else local_part
        end as mailbox
    from hosted

)

select
    email,
    domain,
    translate(mailbox, ignored, '') || '@' || canonical_domain as email_key
from untagged
