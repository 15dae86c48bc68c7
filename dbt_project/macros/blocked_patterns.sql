{#
  Shapes of values that name nobody, by identifier type, with the reason; `any` holds for every type that people fill in.
  The first line is Segment's default list of blocked values. Single values stand in the seed blocked_identifiers.
  A handle is one word on every network: with a space in it, it is a name, as Kermit F. under a review, and many people's.
  Machines and the mailboxes that every mail server has to have (RFC 2142, RFC 5321) are nobody's own. A relay address
  (Hide My Email, Amazon, eBay) is made for one buyer, so it is as good as any other and not blocked.
#}
{% macro blocked_patterns() %}
{{ return([
    ('any', '^([0-]*|-1|null|nil|none|anonymous|unknown|undefined|n/?a|nan|not set|[(]not set[)])$', 'placeholder'),
    ('email', '^(no-?reply|do-?not-?reply|no-?mail|no-?e-?mail|noemail[0-9]*|unknown|anonymous|null|none)@', 'placeholder'),
    ('email', '^(no-?reply|do-?not-?reply)[+._-]', 'placeholder'),
    ('email', '@(test|none|noemail|invalid|localhost)[.]', 'placeholder'),
    ('email', '[.](invalid|test|localhost)$', 'placeholder'),
    ('email', '^(postmaster|mailer-daemon|hostmaster|webmaster|abuse|noc|root|usenet|bounces?)([+][^@]*)?@', 'role'),
    ('phone', '(0{7}|1{7}|2{7}|3{7}|4{7}|5{7}|6{7}|7{7}|8{7}|9{7})', 'placeholder'),
    ('phone', '(1234567|12345678|123456789|1234567890|0123456789)$', 'placeholder'),
    ('handle', '[[:space:]]', 'name'),
    ('device_id', '^(9774d56d682e549c|02:00:00:00:00:00|0{15,16}|012345678912345|unknown|android_id)$', 'placeholder'),
]) }}
{% endmacro %}

{# Mailboxes that belong to a firm's desk and not to a person: RFC 2142's, and the ones that shops meet. #}
{% macro role_pattern() -%}
^(info|sales|support|office|contact|hello|team|admin|administration|accounts?|accounting|billing|invoices?|orders?|purchasing|procurement|reception|enquiries|inquiries|help|helpdesk|service|marketing|hr|jobs|press|kontakt|buero|buchhaltung|einkauf|bestellung|ventas|compras|contacto|contabilidad|comptabilite|commande|facturation|acquisti|ordini|amministrazione|inkoop|verkoop|boekhouding)@
{%- endmacro %}
