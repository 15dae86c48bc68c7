"""Find a customer by whatever somebody has at hand: an id, an address, an order number, a name."""

import re
from datetime import datetime
from typing import Any

from messaging.customers.names import named
from messaging.customers.views import CustomerHit
from messaging.release import Row, Snapshot

LIMIT = 20
LONGEST = 320  # letters of an e-mail address: nothing that anybody is known by is longer
NEVER = datetime(1, 1, 1)
PHONE_LIKE = re.compile(r"^[+(]?[\d\s().\-/+]{7,}$")
OLD_CUSTOMER_HOPS = 12  # a person merged again and again: more than anybody has seen

# A release keeps addresses in one writing (small letters, +447700900123), and an index by value. A number is compared from
# the right, so that 07700 900123, +44 (0)7700 900123 and 0044 7700 900123 all find +447700900123. What cannot be an
# address, a number or an order is not asked for as one: DuckDB leaves out the part whose parameter is NULL.
EXACT = """
WITH RECURSIVE followed(customer_id, hop) AS (
    SELECT customer_id, 1 FROM c360.identity_alias WHERE old_customer_id = $text
    UNION
    SELECT alias.customer_id, followed.hop + 1
    FROM followed JOIN c360.identity_alias AS alias ON alias.old_customer_id = followed.customer_id
    WHERE followed.hop < $hops
), found AS (
    SELECT customer_id, 'customer_id' AS matched_by, 1.0 AS score
    FROM c360.customer_360 WHERE customer_id = $text
    UNION ALL SELECT customer_id, 'earlier customer_id', 1.0 FROM followed
    UNION ALL
    SELECT customer_id, identifier_type, 1.0 FROM c360.customer_identifiers WHERE value = $text
    UNION ALL
    SELECT customer_id, 'email', 1.0 FROM c360.customer_identifiers
    WHERE $email IS NOT NULL AND value = $email AND identifier_type = 'email'
    UNION ALL
    SELECT customer_id, 'email', 1.0 FROM c360.customer_identifiers
    WHERE $bare IS NOT NULL AND value = $bare AND identifier_type = 'email'
    UNION ALL
    SELECT customer_id, 'email', 1.0 FROM c360.customer_identifiers
    WHERE $dotless IS NOT NULL AND value = $dotless AND identifier_type = 'email'
    UNION ALL
    SELECT customer_id, 'email', 0.985 FROM c360.customer_360
    WHERE $email IS NOT NULL AND lower(email) IN ($email, $bare, $dotless)
    UNION ALL
    SELECT customer_id, 'phone', 0.99 FROM c360.customer_identifiers
    WHERE $digits IS NOT NULL AND ends_with(value, $digits) AND identifier_type = 'phone'
    UNION ALL
    SELECT customer_id, 'phone', 0.985 FROM c360.customer_360
    WHERE $digits IS NOT NULL AND ends_with(phone, $digits)
    UNION ALL
    SELECT customer_id, 'external_id', 0.98 FROM c360.customer_identifiers
    WHERE $number IS NOT NULL AND identifier_type = 'external_id'
      AND (ends_with(value, ':' || $number) OR ends_with(value, '/' || $number))
    UNION ALL
    SELECT customer_id, 'order', 1.0 FROM c360.orders
    WHERE $number IS NOT NULL AND order_id IN ($number, '#' || $number) AND customer_id IS NOT NULL
)
SELECT customer_id, arg_max(matched_by, score) AS matched_by, CAST(max(score) AS DOUBLE) AS score
FROM found GROUP BY customer_id ORDER BY score DESC, customer_id LIMIT $limit
"""

# Only where no address is equal: a slip in one is as likely as in a name.
MISSPELT = """
SELECT customer_id, 'similar email' AS matched_by, 0.9 * jaro_winkler_similarity(email, $email) AS score
FROM c360.customer_360
WHERE jaro_winkler_similarity(email, $email) >= 0.95
ORDER BY score DESC, customer_id LIMIT $limit
"""

PEOPLE = """
SELECT customer_id, display_name, email, phone, country, lifecycle_stage, last_seen_at, net_revenue_minor
FROM c360.customer_360 WHERE customer_id IN (SELECT unnest($people))
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
    """Search the release; the best answers come first, and an exact identifier beats every name.

    Names are found with slips in them, and so is an e-mail address where nobody has it as it was typed.
    """
    text = query.strip()
    if not text or len(text) > LONGEST:
        return []
    rows = [*snapshot.rows(EXACT, _identifiers(text, limit)), *named(snapshot, text, limit)]
    if not rows and (emails := emails_of(text)):
        rows = snapshot.rows(MISSPELT, {"email": emails[0], "limit": limit})
    best: dict[str, Row] = {}
    for row in sorted(rows, key=lambda each: each["score"]):
        best[row["customer_id"]] = row
    people = snapshot.rows(PEOPLE, {"people": [*best]})
    hits = [CustomerHit(**person, **_match(best[person["customer_id"]])) for person in people]
    return sorted(hits, key=_place)[:limit]


def follow(snapshot: Snapshot, customer_id: str) -> str | None:
    """Give the id that a customer goes by today; None when nobody ever had that id."""
    found = snapshot.row(FOLLOW, {"customer_id": customer_id, "hops": OLD_CUSTOMER_HOPS})
    return None if found is None else str(found["customer_id"])


def earlier_ids(snapshot: Snapshot, customer_id: str) -> tuple[str, ...]:
    """Give the ids that a customer had before, so that what the store holds under them is found as well."""
    found = snapshot.rows(EARLIER, {"customer_id": customer_id, "hops": OLD_CUSTOMER_HOPS})
    return tuple(str(row["customer_id"]) for row in found)


def _identifiers(text: str, limit: int) -> dict[str, Any]:
    """Give the text as each identifier that it may be; None for what it cannot be."""
    emails = [*emails_of(text), None, None, None]
    digits = digits_of(text)
    is_number = "@" not in text and not any(letter.isspace() for letter in text)
    return {
        "text": text,
        "email": emails[0],
        "bare": emails[1],
        "dotless": emails[2],
        "digits": digits,
        "number": text.lstrip("#") if is_number and any(map(str.isdigit, text)) else None,
        "hops": OLD_CUSTOMER_HOPS,
        "limit": limit,
    }


def _match(row: Row) -> dict[str, Any]:
    return {"matched_by": row["matched_by"], "score": row["score"]}


def _place(hit: CustomerHit) -> tuple[float, float, str]:
    seen = hit.last_seen_at or NEVER
    return -hit.score, -(seen - NEVER).total_seconds(), hit.customer_id


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
