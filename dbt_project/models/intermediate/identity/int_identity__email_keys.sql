with addresses as (

    select distinct
        email,
        split_part(email, '@', 1) as local_part,
        split_part(email, '@', 2) as domain
    from {{ ref('int_identity__records') }}
    where email is not null

),

untagged as (

    select
        addresses.email,
        addresses.domain,
        coalesce(providers.canonical_domain, addresses.domain) as canonical_domain,
        coalesce(providers.ignores_dots, false) as ignores_dots,
        case
            when providers.plus_tags and split_part(addresses.local_part, '+', 1) <> ''
                then split_part(addresses.local_part, '+', 1)
            else addresses.local_part
        end as mailbox
    from addresses
    left join {{ ref('email_providers') }} as providers
        on addresses.domain = providers.domain

)

select
    email,
    domain,
    case when ignores_dots then replace(mailbox, '.', '') else mailbox end || '@' || canonical_domain as email_key
from untagged
