{# Channels as people call them. #}
{% macro channel_name(column) %}
case {{ column }}
    when 'email' then 'e-mail'
    when 'sms' then 'SMS'
    when 'mms' then 'MMS'
    when 'rcs' then 'RCS'
    when 'whatsapp' then 'WhatsApp'
    else {{ column }}
end
{%- endmacro %}

{# A count with its noun: 1 line, 2 lines. #}
{% macro counted(column, noun) %}{{ as_text(column) }} || case when {{ column }} = 1 then ' {{ noun }}' else ' {{ noun }}s' end{% endmacro %}
