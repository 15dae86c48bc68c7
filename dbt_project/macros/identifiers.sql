{# An e-mail address as it may be written to: trimmed, lower case; NULL when it cannot be one. #}
{% macro email_address(column) %}
case
    when {{ matches('lower(trim(' ~ column ~ '))', "'^[^@ <>,;]+@[^@ <>,;]+[.][^@ .<>,;]+$'") }}
        then lower(trim({{ column }}))
end
{% endmacro %}

{# What is left of a phone number once extension, "(0)" and punctuation are gone: digits, and a plus where one stood. #}
{% macro phone_digits(column) %}
{{ replace_pattern(replace_pattern(column, '([(]0[)]|(ext|EXT|Ext|x|#).*$)', ''), '[^0-9+]', '') }}
{% endmacro %}

{#
  A phone number as E.164, or NULL when it cannot be one (8 to 15 digits). `digits` comes from phone_digits; `country` is
  a row of the seed countries: the record's country, else the default region. Whether the number is given out is not
  judged here: that costs a hundred times as much and is done once per new number, before sending.
#}
{% macro phone_e164(digits, country='dialling') %}
{%- set code = country ~ '.dialling_code' -%}
{%- set trunk = country ~ '.trunk_prefix' -%}
{%- set number -%}
case
    when {{ digits }} like '+' || {{ code }} || '0%' and {{ trunk }} = '0'
        then '+' || {{ code }} || substr({{ digits }}, length({{ code }}) + 3)
    when {{ digits }} like '+%' then {{ digits }}
    when {{ digits }} like '00%' then '+' || substr({{ digits }}, 3)
    when {{ digits }} like {{ code }} || '%' and length({{ digits }}) > {{ country }}.national_digits
        then '+' || {{ digits }}
    when {{ digits }} like {{ trunk }} || '%'
        then '+' || {{ code }} || substr({{ digits }}, length({{ trunk }}) + 1)
    else '+' || {{ code }} || {{ digits }}
end
{%- endset -%}
case
    when {{ matches(number, "'^[+][1-9][0-9]{7,14}$'") }}
        then {{ number }}
end
{% endmacro %}

{#
  The joins that phone_e164 needs. `country` is a column with an ISO code or the vendor's own words, or none.
  `named` is the country those words mean; `dialling` is it, or else the default region.
#}
{% macro join_countries(country=none) %}
{% if country %}
left join {{ ref('country_names') }} as named
    on lower(trim({{ country }})) = named.name
left join {{ ref('countries') }} as dialling
    on coalesce(named.country_code, '{{ var("default_region") }}') = dialling.country_code
{% else %}
left join {{ ref('countries') }} as dialling
    on dialling.country_code = '{{ var("default_region") }}'
{% endif %}
{% endmacro %}

{#
  A number or name that means nothing outside its source, made unlike every other source's: `shopify:123`. One that
  already names a system keeps it, for a chat or a campaign tool may know people by the shop's number.
#}
{% macro namespaced(column, source='source') %}
case
    when {{ matches(column, "'^[a-z][a-z0-9_]*:.'") }} then trim({{ column }})
    else {{ source }} || ':' || trim({{ column }})
end
{% endmacro %}

{# What follows the namespace. #}
{% macro without_namespace(column) %}substr({{ column }}, position(':' in {{ column }}) + 1){% endmacro %}
