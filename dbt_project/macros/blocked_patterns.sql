{#
  Shapes of values that name nobody, by identifier type; `any` holds for every type that people fill in. The first line
  is Segment's default list of blocked values. Single values stand in the seed blocked_identifiers.
#}
{% macro blocked_patterns() %}
{{ return([
    ('any', '^([0-]*|-1|null|nil|none|anonymous|unknown|undefined|n/?a|nan|not set|[(]not set[)])$'),
    ('email', '^(no-?reply|do-?not-?reply|no-?mail|no-?e-?mail|noemail[0-9]*|unknown|anonymous|null|none)@'),
    ('email', '@(test|none|noemail|invalid|localhost)[.]'),
    ('phone', '(0{7}|1{7}|2{7}|3{7}|4{7}|5{7}|6{7}|7{7}|8{7}|9{7})'),
    ('phone', '(1234567|12345678|123456789|1234567890|0123456789)$'),
]) }}
{% endmacro %}
