{#
  A word that carriers give a meaning of its own (Twilio's list for SMS): STOP and HELP obey the channel's rules. Nobody
  has to answer them, and they do not say that one likes to write there.
#}
{% macro is_keyword(text) %}
{%- set keywords = [
    'stop', 'stopall', 'unsubscribe', 'cancel', 'end', 'quit', 'revoke', 'optout',
    'start', 'yes', 'unstop', 'help', 'info',
] -%}
coalesce(lower(trim({{ text }})) in ({{ quoted_list(keywords) }}), false)
{%- endmacro %}

{#
  Thanks, goodbye and done: a message of nothing but such words needs no answer, and who wrote it does not wait. Careful on
  purpose: one word that is no courtesy, or a question mark, and somebody waits; for who is believed to wait is looked
  at, and who is believed content is not. After thanks a name may stand, and below it a line with the writer's own.
#}
{% macro is_courtesy(text) %}
{%- set courtesies = [
    'thank you so much', 'thank you very much', 'thank you', 'many thanks', 'thanks a lot', 'thanks so much', 'thanks',
    'thx', 'cheers', 'okay', 'ok', 'great', 'perfect', 'wonderful', 'brilliant', 'lovely', 'super', 'good to know',
    'got it', 'all good', 'sounds good', 'that was quick', 'bye', 'have a nice day', 'kind regards', 'best wishes',
    'danke schön', 'vielen dank', 'danke', 'prima', 'für die schnelle hilfe', 'merci beaucoup', 'merci', 'c.est parfait', 'parfait',
    'muchas gracias', 'gracias', 'genial', 'perfecto', 'tack så mycket', 'tack', 'toppen', 'muito obrigada',
    'muito obrigado', 'obrigada', 'obrigado',
    'i can see it now', 'it works now', 'works now', 'found it', 'understood', 'received', 'ordered', 'solved', 'sorted',
    'done', 'right', 'will do', 'no problem', 'see you', 'yes',
] -%}
{%- set thanked = '(thanks|thank you|Thanks|Thank you|Danke|Merci|Gracias|Tack|Obrigad[ao])[ ,]+[A-Z%c-%c][a-z%c-%c]+' % (192, 222, 223, 255) -%}
{%- set signed = '%c[^ %c]{1,25}( [^ %c]{1,25})?[ %c]*$' % (10, 10, 10, 10) -%}
{%- set unsigned = replace_pattern(text, signed, '') -%}
{%- set left_over = replace_pattern('lower(' ~ replace_pattern(unsigned, thanked, 'thanks') ~ ')', courtesies | join('|'), '') -%}
{#- letters and digits of any script; pictures such as a thumb lie between and above these ranges -#}
{%- set letters = '[0-9a-z%c-%c%c-%c]' % (192, 8191, 11264, 55295) -%}
(
    length({{ text }}) between 1 and 120
    and position('?' in {{ text }}) = 0
    and not {{ matches(left_over, "'" ~ letters ~ "'") }}
)
{%- endmacro %}

{# A letter whose subject says thanks, begins a thread and asks nothing. #}
{% macro says_thanks(subject, body) %}
(
    {{ matches('lower(' ~ subject ~ ')', "'^[^:?]*(thank you|thanks|danke|merci|gracias|tack|obrigad[ao])[^:?]*$'") }}
    and position('?' in {{ body }}) = 0
)
{%- endmacro %}

{# A text without what differs from reader to reader (names, numbers, links), so that copies of one text are equal. #}
{% macro text_skeleton(text) %}
{{- replace_pattern(text, '[^ ]*[0-9][^ ]*|[A-Z%c-%c][^ ]*' % (192, 222), '#') -}}
{% endmacro %}

{# The channel of a message as people count channels: MMS and RCS reach the same phone as SMS. #}
{% macro talk_channel(column) %}case when {{ column }} in ('mms', 'rcs') then 'sms' else {{ column }} end{% endmacro %}

{#
  Where a help desk took a message from, in our words; what it does not say in words that we know was its own chat. A form
  speaks one way only: what the team writes in the desk's web pages reaches the person by e-mail.
#}
{% macro desk_channel(column, of_the_team='false') %}
case
    when lower({{ column }}) like '%mail%' then 'email'
    when lower({{ column }}) like '%whatsapp%' then 'whatsapp'
    when lower({{ column }}) like '%sms%' then 'sms'
    when lower({{ column }}) like '%facebook%' or lower({{ column }}) = 'messenger' then 'facebook'
    when lower({{ column }}) like '%instagram%' then 'instagram'
    when lower({{ column }}) like '%telegram%' then 'telegram'
    when lower({{ column }}) in ('voice', 'phone', 'call', 'voicemail', 'phone_call_inbound', 'phone_call_outbound') then 'voice'
    when lower({{ column }}) in ('web', 'web_form', 'form', 'help_center', 'request') then case when {{ of_the_team }} then 'email' else 'form' end
    else 'chat'
end
{%- endmacro %}

