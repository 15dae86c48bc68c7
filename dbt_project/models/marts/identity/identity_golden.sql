{%- set groups = {
    'name': ['given_name', 'family_name'],
    'birth_date': ['birth_date'],
    'email': ['email'],
    'phone': ['phone'],
    'address': ['street', 'city', 'postcode'],
    'country': ['country'],
    'language': ['language'],
    'time_zone': ['time_zone'],
} -%}
{% for group, attributes in groups.items() %}
{%- set is_last_group = loop.last -%}
{% for attribute in attributes %}
select
    customer_id,
    '{{ attribute }}' as attribute,
    {{ as_text(attribute) }} as value,
    {{ group }}_source as source,
    {{ group }}_source_record_id as source_record_id,
    {{ group }}_occurred_at as occurred_at,
    {{ group }}_rule as rule,
    {{ group }}_candidates as candidates
from {{ ref('int_profile__golden') }}
where {{ attribute }} is not null
{{ "" if is_last_group and loop.last else "union all" }}
{% endfor %}
{%- endfor %}
