{# The only file that knows which engine runs: a second engine adds its own <engine>__ macros here and nothing else. #}

{# Every match of a regular expression replaced. Write [0-9] and [.], never a backslash: engines escape it differently. #}
{% macro replace_pattern(expression, pattern, replacement) %}{{ adapter.dispatch('replace_pattern')(expression, pattern, replacement) }}{% endmacro %}
{% macro default__replace_pattern(expression, pattern, replacement) %}regexp_replace({{ expression }}, '{{ pattern }}', '{{ replacement }}', 'g'){% endmacro %}

{# Whether a regular expression matches anywhere in a text. #}
{% macro matches(expression, pattern) %}{{ adapter.dispatch('matches')(expression, pattern) }}{% endmacro %}
{% macro default__matches(expression, pattern) %}regexp_matches({{ expression }}, {{ pattern }}){% endmacro %}

{# What the first group of a pattern matched; NULL where the pattern does not match. Other groups are (?:...). #}
{% macro captured(expression, pattern) %}{{ adapter.dispatch('captured')(expression, pattern) }}{% endmacro %}
{% macro default__captured(expression, pattern) %}nullif(regexp_extract({{ expression }}, '{{ pattern }}', 1), ''){% endmacro %}

{# A text whose accents are one character with their letter (Unicode NFC), so that equal letters compare equal. #}
{% macro composed(expression) %}{{ adapter.dispatch('composed')(expression) }}{% endmacro %}
{% macro default__composed(expression) %}nfc_normalize({{ expression }}){% endmacro %}

{# The moment so many whole days after another. #}
{% macro days_after(moment, days) %}{{ adapter.dispatch('days_after')(moment, days) }}{% endmacro %}
{% macro default__days_after(moment, days) %}({{ moment }} + interval {{ days }} day){% endmacro %}

{# The day so many years after another; the 28th where a year has no 29 February. #}
{% macro years_after(day, years) %}{{ adapter.dispatch('years_after')(day, years) }}{% endmacro %}
{% macro default__years_after(day, years) %}({{ day }} + to_years(cast({{ years }} as integer))){% endmacro %}

{# Names a text, so that what was found out about it once holds wherever it stands; NULL for an empty one. #}
{% macro text_key(expression) %}{{ adapter.dispatch('text_key')(expression) }}{% endmacro %}
{% macro default__text_key(expression) %}md5(nullif(trim({{ expression }}), '')){% endmacro %}

{# A number of 64 bits for some columns together: equal where they are equal, and nearly never elsewhere. Never NULL. #}
{% macro hashed(columns) %}{{ adapter.dispatch('hashed')(columns) }}{% endmacro %}
{% macro default__hashed(columns) %}hash({{ columns | join(', ') }}){% endmacro %}

{# Whole calendar days from one moment to another, INTEGER; negative when the second is earlier. #}
{% macro days_between(earlier, later) %}{{ adapter.dispatch('days_between')(earlier, later) }}{% endmacro %}
{% macro default__days_between(earlier, later) %}cast(date_diff('day', cast({{ earlier }} as date), cast({{ later }} as date)) as integer){% endmacro %}

{# Integer division towards zero, BIGINT; NULL when the divisor is zero. #}
{% macro divide_whole(dividend, divisor) %}{{ adapter.dispatch('divide_whole')(dividend, divisor) }}{% endmacro %}
{% macro default__divide_whole(dividend, divisor) %}cast({{ dividend }} // nullif({{ divisor }}, 0) as bigint){% endmacro %}

{# A NULL of a type, for a column that one branch of a union does not have. #}
{% macro no_text() %}cast(null as {{ dbt.type_string() }}){% endmacro %}

{# Anything as text: numbers in digits, dates as 2026-10-30. #}
{% macro as_text(expression) %}cast({{ expression }} as {{ dbt.type_string() }}){% endmacro %}

{# Of many rows the text that is of the newest moment, of several at that moment the last by name. #}
{% macro newest(text, moment) %}{{ adapter.dispatch('newest')(text, moment) }}{% endmacro %}
{% macro default__newest(text, moment) %}arg_max({{ text }}, row({{ moment }}, {{ text }})){% endmacro %}

{# Of many rows the largest, as a structure: `parts` are its fields by name, and compared in their order. #}
{% macro largest(parts) %}{{ adapter.dispatch('largest')(parts) }}{% endmacro %}
{% macro default__largest(parts) %}max(struct_pack({% for name, expression in parts.items() %}{{ name }} := {{ expression }}{{ ", " if not loop.last }}{% endfor %})){% endmacro %}

{# Whole seconds from one moment to another, BIGINT, cut towards zero; negative when the second is earlier. #}
{% macro seconds_between(earlier, later) %}{{ adapter.dispatch('seconds_between')(earlier, later) }}{% endmacro %}
{% macro default__seconds_between(earlier, later) %}date_sub('second', {{ earlier }}, {{ later }}){% endmacro %}

{# The hour (0 to 23) that a clock shows in a time zone at a moment in naive UTC; the zone has to be one of `time_zones`. #}
{% macro local_hour(moment, zone) %}{{ adapter.dispatch('local_hour')(moment, zone) }}{% endmacro %}
{% macro default__local_hour(moment, zone) %}cast(hour(timezone({{ zone }}, timezone('UTC', {{ moment }}))) as integer){% endmacro %}

{# The time zones that the engine knows, to select from: one column, name. #}
{% macro time_zones() %}{{ adapter.dispatch('time_zones')() }}{% endmacro %}
{% macro default__time_zones() %}(select distinct name from pg_timezone_names()){% endmacro %}

{# The middle value of a group, the lower of the two in the middle of an even number: always a value that is there. #}
{% macro lower_median(expression) %}{{ adapter.dispatch('lower_median')(expression) }}{% endmacro %}
{% macro default__lower_median(expression) %}quantile_disc({{ expression }}, 0.5){% endmacro %}

{# The Monday on which a moment's week begins, and the first day of its month: DATE. #}
{% macro week_of(moment) %}{{ adapter.dispatch('week_of')(moment) }}{% endmacro %}
{% macro default__week_of(moment) %}cast(date_trunc('week', {{ moment }}) as date){% endmacro %}
{% macro month_of(moment) %}{{ adapter.dispatch('month_of')(moment) }}{% endmacro %}
{% macro default__month_of(moment) %}cast(date_trunc('month', {{ moment }}) as date){% endmacro %}

{# Whole months from one first of a month to another, INTEGER. #}
{% macro months_between(earlier, later) %}{{ adapter.dispatch('months_between')(earlier, later) }}{% endmacro %}
{% macro default__months_between(earlier, later) %}cast(date_diff('month', {{ earlier }}, {{ later }}) as integer){% endmacro %}

{# In a select list: a row for each month from one first of a month to another, both included, DATE. #}
{% macro each_month(first, last) %}{{ adapter.dispatch('each_month')(first, last) }}{% endmacro %}
{% macro default__each_month(first, last) %}cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 month)) as date){% endmacro %}

{# A moment so many seconds later. #}
{% macro seconds_after(moment, seconds) %}{{ adapter.dispatch('seconds_after')(moment, seconds) }}{% endmacro %}
{% macro default__seconds_after(moment, seconds) %}({{ moment }} + to_seconds(cast({{ seconds }} as bigint))){% endmacro %}

{# The value that so large a share of rows stays below, of whole numbers and towards zero, BIGINT; NULL of no rows. #}
{% macro whole_percentile(expression, share=0.5) %}{{ adapter.dispatch('whole_percentile')(expression, share) }}{% endmacro %}
{% macro default__whole_percentile(expression, share) %}cast(floor(quantile_cont({{ expression }}, {{ share }})) as bigint){% endmacro %}

{# Of many rows the distinct texts, in the order of the alphabet and with commas between; NULL of none. #}
{% macro joined_texts(expression) %}{{ adapter.dispatch('joined_texts')(expression) }}{% endmacro %}
{% macro default__joined_texts(expression) %}string_agg(distinct {{ expression }}, ', ' order by {{ expression }}){% endmacro %}

{#
    A table in one transaction: the old one goes and the new one comes, and a model that fails keeps the old one. dbt's own
    way writes aside, renames twice and drops the old one afterwards, which was a fifth of its CPU time in a build
    (2026-11-22: 7 of 31 seconds, 97 tables). Given up for it: indexes, grants and models in Python, of which we have none.
    In a build of a part only what it made anew is replaced (increment.sql).
#}
{% materialization table, adapter="duckdb" %}
  {%- set existing = load_cached_relation(this) -%}
  {%- set table = this.incorporate(type="table") -%}
  {%- set unit = rebuilt_by(model.unique_id) if in_part() else "" -%}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% if unit -%}
    {%- set made = in_slice(table) -%}
    {% call statement("made") -%}
      drop table if exists {{ made }};
      {{ create_table_as(False, made, sql) }}
    {%- endcall %}
    {% call statement("main") -%}
      {{ replace_part(table, made, unit) }}
    {%- endcall %}
  {%- else -%}
    {% call statement("main") -%}
      {% if existing %}drop {{ existing.type }} {{ existing }};{% endif %}
      {{ create_table_as(False, table, sql) }}
    {%- endcall %}
    {%- set column = config.get("meta", {}).get("lots_by") -%}
    {% for lot in range(1, var("lots") if column else 1) %}
    {% call statement("further") -%}
      insert into {{ table }} {{ of_lot(sql, column, lot) }}
    {%- endcall %}
    {% endfor %}
  {%- endif %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({"relations": [table]}) }}
{% endmaterialization %}

{#
    A view, likewise. It reads whatever its tables hold: a part only makes that of its own people, for their models; what
    identity and the store say of them is picked out once.
#}
{% materialization view, adapter="duckdb" %}
  {%- set existing = load_cached_relation(this) -%}
  {%- set view = this.incorporate(type="view") -%}
  {%- set made = in_slice(view) if in_part() and rebuilt_by(model.unique_id) and model.fqn[1:3] != ["intermediate", "identity"] else none -%}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% call statement("main") -%}
    {% if made and model.fqn[1] == "staging" %}drop table if exists {{ made }};
    {{ create_table_as(False, made, sql) }}
    {%- elif made %}drop view if exists {{ made }};
    {{ create_view_as(made, sql) }}
    {%- elif in_part() %}select 1
    {%- else %}{% if existing %}drop {{ existing.type }} {{ existing }};{% endif %}
    {{ create_view_as(view, sql) }}
    {%- endif %}
  {%- endcall %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({"relations": [view]}) }}
{% endmaterialization %}
