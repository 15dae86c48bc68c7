{#-
  What the customer said in a record of a landed table, in their own words; NULL where somebody else speaks: an agent,
  a machine, the question of a survey. Its text_key finds the sentiment: {{ text_key(said('reviews')) }}.
  Notes and transcripts of calls are not here: both sides speak in them.
-#}
{% macro said(table, alias='') -%}
{%- set own = alias ~ '.' if alias else '' -%}
{%- if table == 'reviews' -%}
nullif(coalesce({{ own }}title || ': ', '') || coalesce({{ own }}body, ''), '')
{%- elif table == 'survey_responses' -%}
{{ own }}answer
{%- elif table == 'form_submissions' -%}
{{ own }}message
{%- elif table == 'tickets' -%}
nullif(coalesce({{ own }}subject || ': ', '') || coalesce({{ own }}description, ''), '')
{%- elif table == 'ticket_comments' -%}
{{ own }}satisfaction_comment
{%- elif table == 'email_messages' -%}
case when {{ own }}direction = 'inbound' and {{ own }}kind = 'letter' then {{ own }}body_text end
{%- elif table == 'chat_messages' -%}
case when {{ own }}author_kind = 'customer' and not {{ own }}is_private then {{ own }}body end
{%- elif table in ('sms_messages', 'social_messages', 'outreach') -%}
case when {{ own }}direction = 'inbound' then {{ own }}body end
{%- else -%}
{{ exceptions.raise_compiler_error("said() knows no table " ~ table) }}
{%- endif -%}
{%- endmacro %}
