{#
  A text in the characters that programs type: full-width letters and digits and Arabic and Indian digits as ASCII,
  invisible marks gone, composed (NFC). People paste these from phones and from Japanese and Arabic keyboards.
#}
{% macro plain_text(column) %}
{%- set wide = namespace(from='', into='') -%}
{%- for code in range(33, 127) -%}
{%- if code not in [39, 92] -%}
{%- set wide.from = wide.from ~ '%c' % (code + 65248) -%}
{%- set wide.into = wide.into ~ '%c' % code -%}
{%- endif -%}
{%- endfor -%}
{%- for zero in [1632, 1776, 2406] -%}
{%- for digit in range(10) -%}
{%- set wide.from = wide.from ~ '%c' % (zero + digit) -%}
{%- set wide.into = wide.into ~ digit -%}
{%- endfor -%}
{%- endfor -%}
{%- for full_stop in [12290, 65377] -%}
{%- set wide.from = wide.from ~ '%c' % full_stop -%}
{%- set wide.into = wide.into ~ '.' -%}
{%- endfor -%}
{%- for space in [160, 8199, 8239, 12288] -%}
{%- set wide.from = wide.from ~ '%c' % space -%}
{%- set wide.into = wide.into ~ ' ' -%}
{%- endfor -%}
{#- translate drops what has no counterpart: joiners, marks of direction, the byte order mark -#}
{%- for mark in [173, 8203, 8204, 8205, 8206, 8207, 8234, 8235, 8236, 8237, 8238, 8288, 8294, 8295, 8296, 8297, 65279] -%}
{%- set wide.from = wide.from ~ '%c' % mark -%}
{%- endfor -%}
case
    when {{ matches(column, "'[^ -~]'") }}
        then trim(translate({{ composed(column) }}, '{{ wide.from }}', '{{ wide.into }}'))
    else trim({{ column }})
end
{%- endmacro %}

{# An e-mail address as it may be written to: trimmed, lower case; NULL when it cannot be one. #}
{% macro email_address(column) %}
{%- set address = 'lower(' ~ plain_text(column) ~ ')' -%}
case
    when {{ matches(address, "'^[^@ <>,;]+@[^@ <>,;]+[.][^@ .<>,;]+$'") }}
        then {{ address }}
end
{% endmacro %}

{#
  A phone number taken apart, as two columns. phone_digits is what is left once extension, "(0)" and punctuation are gone:
  digits, and a plus where one stood; NULL where more than one number is written, or something else with an @ in it.
  phone_extension is the way on from a switchboard, digits. Italy and San Marino do dial the zero in brackets.
#}
{% macro phone_parts(column) %}
{%- set text = 'lower(' ~ plain_text(column) ~ ')' -%}
{%- set marker = '(?:;ext=|extension|extn|ext|xtn|x|#|~|;|,|durchwahl|anexo|poste|доб)' -%}
{%- set joint = '(?:[/|&;,]+|or|and|oder|und|ou|et|o|y)' -%}
case
    when {{ matches(text, "'@'") }}
        then '+' || {{ captured(text, '^(?:whatsapp:)?[+]?([0-9]{7,15})(?:[:][0-9]+)?@(?:s[.]whatsapp[.]net|c[.]us)$') }}
    when {{ matches(replace_pattern(text, '[ ().-]', ''), "'[0-9]{7,}" ~ joint ~ "[+]?[0-9]{7,}'") }}
        then null
    when {{ matches(text, "'^(?:[+]|00) ?(?:39|378)[ .-]*[(]0[)]'") }}
        then {{ replace_pattern(replace_pattern(text, marker ~ '.*$', ''), '[^0-9+]', '') }}
    else {{ replace_pattern(replace_pattern(text, '([(]0[)]|' ~ marker ~ '.*$)', ''), '[^0-9+]', '') }}
end as phone_digits,
{{ captured(text, '[0-9][ ().-]*' ~ marker ~ '[ .:=,]*([0-9]{1,6})[ #.)]*$') }} as phone_extension
{%- endmacro %}

{# The rows of a query, with the parts of their phone. #}
{% macro with_phone_parts(query) %}
    select
        latest.*,
        {{ phone_parts('latest.phone') }}
    from (
        {{ query }}
    ) as latest
{% endmacro %}

{#
  A phone number as E.164, or NULL when it cannot be one (8 to 15 digits; a short code is nobody's). `digits` comes from
  phone_parts; `country` is a row of the seed countries: the record's country, else the default region. Whether the
  number is given out is not judged here: that costs a hundred times as much, and pipelines/identity/phones.py asks it
  once per new number.
#}
{% macro phone_e164(digits, country='dialling') %}
{%- set code = country ~ '.dialling_code' -%}
{%- set trunk = country ~ '.trunk_prefix' -%}
{%- set abroad = country ~ '.international_prefix' -%}
{%- set number -%}
case
    when {{ digits }} like '+' || {{ code }} || '0%' and {{ trunk }} = '0'
        then '+' || {{ code }} || substr({{ digits }}, length({{ code }}) + 3)
    when {{ digits }} like '+%' then {{ digits }}
    when {{ digits }} like {{ abroad }} || '%' then '+' || substr({{ digits }}, length({{ abroad }}) + 1)
    when {{ digits }} like '00%' then '+' || substr({{ digits }}, 3)
    when length({{ digits }}) < least(7, {{ country }}.national_digits) then null
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

{# A name on a network, without the at sign that people put before it: @Ann and ann are one. #}
{% macro handle_name(column) %}replace({{ replace_pattern('lower(trim(' ~ column ~ '))', '^@+', '') }}, ':@', ':'){% endmacro %}

{# A device's id: a UUID, as phones and browsers give, means the same in capitals; of any other nobody knows. #}
{% macro device_key(column) %}
case
    when {{ matches('lower(trim(' ~ column ~ '))', "'^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'") }}
        then lower(trim({{ column }}))
    else trim({{ column }})
end
{% endmacro %}

{# What follows the namespace. #}
{% macro without_namespace(column) %}substr({{ column }}, position(':' in {{ column }}) + 1){% endmacro %}
