"""Find a customer by whatever somebody has at hand: an id, an address, an order number, a name."""

import re
import unicodedata

from messaging.customers.views import CustomerHit
from messaging.release import Snapshot

LIMIT = 20
PHONE_LIKE = re.compile(r"^[+(]?[\d\s().\-/+]{7,}$")
OLD_CUSTOMER_HOPS = 12  # a person merged again and again: more than anybody has seen

# An address is compared on its digits alone and from the right, so that 07700 900123, +44 (0)7700 900123 and
# 0044 7700 900123 all find +447700900123. A name is compared whole, turned round, and part by part.
FIND = """
WITH RECURSIVE asked AS (
    SELECT CAST($text AS VARCHAR) AS text, CAST($name AS VARCHAR) AS name,
           CAST($emails AS VARCHAR[]) AS emails, CAST($digits AS VARCHAR) AS digits
), followed(customer_id, hop) AS (
    SELECT alias.customer_id, 1 FROM c360.identity_alias AS alias, asked
    WHERE alias.old_customer_id = asked.text
    UNION
    SELECT alias.customer_id, followed.hop + 1
    FROM followed JOIN c360.identity_alias AS alias ON alias.old_customer_id = followed.customer_id
    WHERE followed.hop < $hops
), identified AS (
    SELECT held.customer_id, held.identifier_type AS matched_by,
           CASE WHEN held.value = asked.text OR list_contains(asked.emails, lower(held.value)) THEN 1.0
                WHEN regexp_replace(held.value, '[^0-9]', '', 'g') = asked.digits THEN 0.99
                ELSE 0.98 END AS score
    FROM c360.customer_identifiers AS held, asked
    WHERE held.value = asked.text
       OR (held.identifier_type = 'email' AND list_contains(asked.emails, lower(held.value)))
       OR (held.identifier_type = 'phone' AND asked.digits IS NOT NULL
           AND ends_with(regexp_replace(held.value, '[^0-9]', '', 'g'), asked.digits))
       OR (held.identifier_type = 'external_id'
           AND (ends_with(held.value, ':' || asked.text) OR ends_with(held.value, '/' || asked.text)))
    UNION ALL
    SELECT person.customer_id,
           CASE WHEN list_contains(asked.emails, lower(person.email)) THEN 'email' ELSE 'phone' END, 0.985
    FROM c360.customer_360 AS person, asked
    WHERE list_contains(asked.emails, lower(person.email))
       OR (asked.digits IS NOT NULL
           AND ends_with(regexp_replace(person.phone, '[^0-9]', '', 'g'), asked.digits))
), named AS (
    SELECT plain.customer_id, 'name' AS matched_by,
           0.95 * greatest(
               jaro_winkler_similarity(plain.shown, asked.name),
               jaro_winkler_similarity(plain.family || ' ' || plain.given, asked.name),
               0.97 * jaro_winkler_similarity(plain.family, asked.name),
               0.96 * jaro_winkler_similarity(plain.given, asked.name),
               CASE WHEN contains(plain.shown, asked.name) THEN 0.9 ELSE 0.0 END
           ) AS score
    FROM (
        SELECT customer_id, lower(strip_accents(coalesce(display_name, ''))) AS shown,
               lower(strip_accents(coalesce(given_name, ''))) AS given,
               lower(strip_accents(coalesce(family_name, ''))) AS family
        FROM c360.customer_360
    ) AS plain, asked
    WHERE asked.name IS NOT NULL
), found AS (
    SELECT person.customer_id, 'customer_id' AS matched_by, 1.0 AS score
    FROM c360.customer_360 AS person, asked WHERE person.customer_id = asked.text
    UNION ALL SELECT customer_id, 'earlier customer_id', 1.0 FROM followed
    UNION ALL SELECT customer_id, matched_by, score FROM identified
    UNION ALL
    SELECT bought.customer_id, 'order', 1.0 FROM c360.orders AS bought, asked
    WHERE ltrim(bought.order_id, '#') = ltrim(asked.text, '#') AND bought.customer_id IS NOT NULL
    UNION ALL SELECT customer_id, matched_by, score FROM named WHERE score > 0.82
), best AS (
    SELECT customer_id, max(score) AS score, arg_max(matched_by, score) AS matched_by
    FROM found GROUP BY customer_id
)
SELECT person.customer_id, person.display_name, person.email, person.phone, person.country,
       person.lifecycle_stage, person.last_seen_at, person.net_revenue_minor, best.matched_by,
       CAST(best.score AS DOUBLE) AS score
FROM best JOIN c360.customer_360 AS person ON person.customer_id = best.customer_id
ORDER BY best.score DESC, person.last_seen_at DESC NULLS LAST, person.customer_id
LIMIT $limit
"""

FOLLOW = """
WITH RECURSIVE followed(customer_id, hop) AS (
    SELECT CAST($customer_id AS VARCHAR), 0
    UNION
    SELECT alias.customer_id, followed.hop + 1
    FROM followed JOIN c360.identity_alias AS alias ON alias.old_customer_id = followed.customer_id
    WHERE followed.hop < $hops
)
SELECT person.customer_id FROM followed JOIN c360.customer_360 AS person USING (customer_id)
ORDER BY followed.hop LIMIT 1
"""

EARLIER = """
WITH RECURSIVE earlier(customer_id, hop) AS (
    SELECT CAST($customer_id AS VARCHAR), 0
    UNION
    SELECT alias.old_customer_id, earlier.hop + 1
    FROM earlier JOIN c360.identity_alias AS alias ON alias.customer_id = earlier.customer_id
    WHERE earlier.hop < $hops
)
SELECT DISTINCT customer_id FROM earlier WHERE hop > 0 ORDER BY customer_id
"""


def find(snapshot: Snapshot, query: str, limit: int = LIMIT) -> list[CustomerHit]:
    """Search the release; the best answers come first, and an exact identifier beats every name."""
    text = query.strip()
    if not text:
        return []
    parameters = {
        "text": text,
        "name": _name(text),
        "emails": emails_of(text),
        "digits": digits_of(text),
        "hops": OLD_CUSTOMER_HOPS,
        "limit": limit,
    }
    return [CustomerHit(**row) for row in snapshot.rows(FIND, parameters)]


def follow(snapshot: Snapshot, customer_id: str) -> str | None:
    """Give the id that a customer goes by today; None when nobody ever had that id."""
    found = snapshot.row(FOLLOW, {"customer_id": customer_id, "hops": OLD_CUSTOMER_HOPS})
    return None if found is None else str(found["customer_id"])


def earlier_ids(snapshot: Snapshot, customer_id: str) -> tuple[str, ...]:
    """Give the ids that a customer had before, so that what the store holds under them is found as well."""
    found = snapshot.rows(EARLIER, {"customer_id": customer_id, "hops": OLD_CUSTOMER_HOPS})
    return tuple(str(row["customer_id"]) for row in found)


def _name(text: str) -> str | None:
    """Give the text as a name to compare, or None when it cannot be one."""
    if "@" in text or any(letter.isdigit() for letter in text) or len(text) < 2:
        return None
    plain = unicodedata.normalize("NFKD", text)
    return " ".join("".join(letter for letter in plain if not unicodedata.combining(letter)).lower().split())


def emails_of(text: str) -> list[str]:
    """Give the writings under which an address may be kept: as it is, without its tag, without its dots."""
    if text.count("@") != 1:
        return []
    local, domain = text.lower().split("@")
    bare = local.split("+")[0]
    return list(dict.fromkeys(f"{part}@{domain}" for part in (local, bare, bare.replace(".", ""))))


def digits_of(text: str) -> str | None:
    """Give the digits of a telephone number from the right, without any prefix that depends on who dials."""
    if not PHONE_LIKE.match(text):
        return None
    digits = re.sub(r"\D", "", text.replace("(0)", "")).lstrip("0")
    return digits if len(digits) >= 7 else None
