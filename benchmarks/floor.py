"""The floor of a build: what anybody would write first, over the same landed files.

E-mail addresses lower and trimmed, phones as digits, records of one address or number are one person (scipy's components,
the cheapest way known), and one wide table of them. It keeps no versions apart, has no limits, no evidence, no stable ids,
no tests, no contracts, no timeline and no release: a build is the rest.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from benchmarks.measure import Measured, measure

GROUP = "view floor"
CARRY = {  # what each table has to stitch by; amounts and times below
    "contacts": ("email", "phone"),
    "consents": ("email", "phone"),
    "purchases": ("email", "phone"),
    "shipments": ("email", "phone"),
    "email_messages": ("email",),
    "email_events": ("email",),
    "sms_messages": ("phone",),
    "chat_messages": ("email", "phone"),
    "outreach": ("email", "phone"),
    "tickets": ("email", "phone"),
    "calls": ("email", "phone"),
    "reviews": ("email",),
    "survey_responses": ("email", "phone"),
    "form_submissions": ("email", "phone"),
    "social_messages": ("email", "phone"),
    "events": ("email", "phone"),
}
_EMAIL = "CASE WHEN email LIKE '%@%' THEN hash(lower(trim(email))) END"
# national numbers of the sample are British: 0 -> 44
_DIGITS = "regexp_replace(regexp_replace(phone, '[^0-9]', '', 'g'), '^0+', '44')"
_PHONE = f"CASE WHEN length({_DIGITS}) >= 8 THEN hash({_DIGITS}) END"
_NORMALISE = """
    SELECT '{table}' AS origin, occurred_at, {email} AS email, {phone} AS phone, {amount} AS amount
    FROM read_parquet({files})
"""
_KEYS = """
    CREATE TABLE keys AS
    SELECT key, row_number() OVER () - 1 AS place FROM (
        SELECT email AS key FROM records WHERE email IS NOT NULL UNION SELECT phone FROM records WHERE phone IS NOT NULL
    )
"""
_EDGES = """
    SELECT one.place AS one, other.place AS other
    FROM (SELECT DISTINCT email, phone FROM records WHERE email IS NOT NULL AND phone IS NOT NULL) AS pairs
    JOIN keys AS one ON one.key = pairs.email JOIN keys AS other ON other.key = pairs.phone
"""
_WIDE = """
    CREATE TABLE wide AS
    SELECT persons.person, count(*) AS records, min(occurred_at) AS first_seen_at, max(occurred_at) AS last_seen_at,
        count(*) FILTER (origin = 'purchases') AS lines, sum(amount) AS net_minor,
        min(occurred_at) FILTER (origin = 'purchases') AS first_order_at,
        max(occurred_at) FILTER (origin = 'purchases') AS last_order_at,
        count(*) FILTER (origin = 'shipments') AS parcels,
        count(*) FILTER (origin = 'email_messages') AS mails, count(*) FILTER (origin = 'email_events') AS mail_events,
        count(*) FILTER (origin = 'sms_messages') AS texts, count(*) FILTER (origin = 'chat_messages') AS chats,
        count(*) FILTER (origin = 'outreach') AS campaigns,
        max(occurred_at) FILTER (origin = 'email_events') AS last_mail_event_at,
        max(occurred_at) FILTER (origin = 'sms_messages') AS last_text_at,
        max(occurred_at) FILTER (origin = 'chat_messages') AS last_chat_at,
        any_value(email) AS email, any_value(phone) AS phone
    FROM records JOIN persons ON persons.key = coalesce(records.email, records.phone)
    GROUP BY persons.person
"""


def floor_rows(landing: Path) -> list[Measured]:
    """Measure the floor over everything below a landing folder."""
    with duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"}) as connection:
        read, _ = measure(GROUP, "normalise", lambda: _normalise(connection, landing), int)
        tied, _ = measure(GROUP, "stitch on e-mail and phone", lambda: _stitch(connection), int)
        wide, _ = measure(GROUP, "one wide table", lambda: _wide(connection), int)
    return [read, tied, wide, _whole(read.rows, [read, tied, wide])]


def _normalise(connection: duckdb.DuckDBPyConnection, landing: Path) -> int:
    parts = [
        _NORMALISE.format(
            table=table,
            email=_EMAIL if "email" in carried else "NULL::UBIGINT",
            phone=_PHONE if "phone" in carried else "NULL::UBIGINT",
            amount="net_amount_minor" if table == "purchases" else "NULL::BIGINT",
            files=[str(path) for path in files],
        )
        for table, carried in CARRY.items()
        if (files := sorted(landing.glob(f"*/{table}/*.parquet")))
    ]
    connection.execute("CREATE TABLE records AS " + " UNION ALL ".join(parts))
    return _count(connection, "records")


def _stitch(connection: duckdb.DuckDBPyConnection) -> int:
    connection.execute(_KEYS)
    keys, edges = _count(connection, "keys"), connection.execute(_EDGES).fetchnumpy()
    ones = np.ones(len(edges["one"]), dtype=np.bool_)
    _, person = connected_components(
        coo_matrix((ones, (edges["one"], edges["other"])), shape=(keys, keys)), directed=False
    )
    connection.execute(
        "CREATE TABLE found AS SELECT unnest(?) AS person, unnest(?) AS place", [person, np.arange(keys)]
    )
    connection.execute("CREATE TABLE persons AS SELECT key, person FROM keys JOIN found USING (place)")
    return _count(connection, "persons")


def _wide(connection: duckdb.DuckDBPyConnection) -> int:
    connection.execute(_WIDE)
    return _count(connection, "wide")


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.execute("SELECT count(*) FROM query_table(?)", [table]).fetchall()[0][0])


def _whole(rows: int, parts: Sequence[Measured]) -> Measured:
    return Measured(
        GROUP,
        "the floor",
        sum(row.cpu_seconds for row in parts),
        sum(row.seconds for row in parts),
        rows,
        max(row.peak_mb for row in parts),
    )
