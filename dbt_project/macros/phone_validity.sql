{#
  What a number is, in words: by the numbering plans where it is given out; `unverified` where it only has the right length,
  or nobody has asked yet; `impossible` where it cannot be dialled. `other` are personal numbers.
#}
{% macro phone_validity(validity, kind) %}
case
    when {{ validity }} = 'impossible' then 'impossible'
    when {{ validity }} is null or {{ validity }} <> 'valid' then 'unverified'
    when {{ kind }} = 'mobile' then 'mobile'
    when {{ kind }} = 'fixed_line' then 'landline'
    when {{ kind }} = 'fixed_line_or_mobile' then 'landline_or_mobile'
    when {{ kind }} = 'voip' then 'voip'
    when {{ kind }} = 'toll_free' then 'toll_free'
    when {{ kind }} in ('personal', 'unknown') then 'other'
    else 'business' -- pagers, voice boxes, premium and shared-cost lines, a company's number
end
{%- endmacro %}
