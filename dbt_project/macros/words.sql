{# Channels as people call them. #}
{% macro channel_name(column) %}
case {{ column }}
    when 'email' then 'e-mail'
    when 'sms' then 'SMS'
    when 'mms' then 'MMS'
    when 'rcs' then 'RCS'
    when 'whatsapp' then 'WhatsApp'
    when 'voice' then 'phone'
    when 'x' then 'X'
    when 'linkedin' then 'LinkedIn'
    when 'tiktok' then 'TikTok'
    when 'wechat' then 'WeChat'
    when 'line' then 'LINE'
    when 'viber' then 'Viber'
    when 'instagram' then 'Instagram'
    when 'facebook' then 'Facebook'
    when 'telegram' then 'Telegram'
    when 'google' then 'Google'
    when 'other' then 'Social network'
    else {{ column }}
end
{%- endmacro %}

{# A count with its noun: 1 line, 2 lines. #}
{% macro counted(column, noun) %}{{ as_text(column) }} || case when {{ column }} = 1 then ' {{ noun }}' else ' {{ noun }}s' end{% endmacro %}

{# A number as people write it: 4 and not 4.0, 4.5 as it is. #}
{% macro plain_number(column) %}case when {{ column }} = floor({{ column }}) then {{ as_text('cast(' ~ column ~ ' as bigint)') }} else {{ as_text(column) }} end{% endmacro %}
