with seen as (

    select distinct
        identifier_type,
        value,
        match_key,
        case
            when identifier_type in ('external_id', 'handle') then lower({{ without_namespace('value') }})
            else lower(value)
        end as bare_value
    from {{ ref('int_identity__values') }}
    where identifier_type not in ('order', 'conversation')

),

own as (

    select
        email,
        email_key
    from {{ ref('int_identity__email_keys') }}
    where domain in ({{ quoted_list(var('own_domains')) }})

),

refused as (

    select
        'email' as identifier_type,
        email_key as match_key,
        'own' as reason
    from own

    union all

    select
        seen.identifier_type,
        seen.match_key,
        blocked.reason
    from seen
    inner join {{ ref('blocked_identifiers') }} as blocked
        on seen.identifier_type = blocked.identifier_type and seen.bare_value = blocked.value
{% for type, pattern, reason in blocked_patterns() %}
    union all

    select
        identifier_type,
        match_key,
        '{{ reason }}' as reason
    from seen
    where {{ matches('bare_value', "'" ~ pattern ~ "'") }}
    {%- if type != 'any' %} and identifier_type = '{{ type }}'{% endif %}
{% endfor %}
    union all

    select
        'email' as identifier_type,
        email_key as match_key,
        'role' as reason
    from {{ ref('int_identity__role_mailboxes') }}
    where people > 1

)

select
    identifier_type,
    match_key,
    min(reason) as reason
from refused
group by identifier_type, match_key
