{#-
  A model that joins and groups all records at once needs more memory than a build may have when these are many: it is made
  lot by lot then, each of some of the people. `where {{ in_lot('customer_id') }}` picks the rows of the first lot, and the
  materialization of tables (dialect.sql) asks for the others. One lot, unless the build says otherwise (var `lots`).
-#}
{% macro in_lot(column, lot=0) %}{{ hashed([column]) }} % {{ var('lots') }} = {{ lot }}{% endmacro %}

{# The same query for another lot. #}
{% macro of_lot(sql, column, lot) %}{{ return(sql | replace(in_lot(column) | trim, in_lot(column, lot) | trim)) }}{% endmacro %}
