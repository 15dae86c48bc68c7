{# The channel that we can write or call on, by whatever word a source has for it; NULL for one that we cannot use. #}
{% macro usable_channel(column) %}
case lower({{ column }})
    when 'email' then 'email'
    when 'mail' then 'email'
    when 'sms' then 'sms'
    when 'mms' then 'sms' -- MMS and RCS reach the same phone as SMS
    when 'rcs' then 'sms'
    when 'twiliosms' then 'sms'
    when 'whatsapp' then 'whatsapp'
    when 'voice' then 'voice'
    when 'phone' then 'voice'
    when 'call' then 'voice'
end
{%- endmacro %}
