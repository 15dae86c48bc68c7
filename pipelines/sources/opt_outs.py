"""Every "no" that a delivery brings goes into the store before its rows are visible: an opt-out too many, never one too few.

Two kinds are found, in rows that the contract sets aside too. A word somebody said (a STOP text, an unsubscribe) or an
event at the mail provider (a complaint, a bounce) suppresses the address. A recorded consent that was revoked becomes a
consent event, so that a newer grant may outweigh it. A START or a resubscribe takes back what the same data says before it;
it never lifts what stands: to write again to somebody who said no takes a consent, not an old message.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import duckdb
import phonenumbers

from data_contracts.contracts import load_contract
from data_contracts.sql import Sql, joined, sql, value
from messaging.addresses import Addresses, normalise, read_addresses
from messaging.consent import SuppressionReason
from messaging.consent_imports import (
    ImportCounts,
    ImportedConsent,
    ImportedOptOut,
    record_imports,
    record_opt_outs,
)
from messaging.inbox import keyword_of
from messaging.settings import Settings
from messaging.store import Store, open_store
from pipelines.landing.staging import row_hash, staged_types
from pipelines.settings import home_region

LONGEST_KEYWORD = 20  # characters; a longer text is no keyword
FETCHED = 10_000  # rows in memory at a time
NO_DATE = "could not be read, so the time of arrival stands in for it"
LATER = "lies in the future, so the time of arrival stands in for it"

# what is said, what it is about, why the address is suppressed then (empty: it takes back what was said), how it was said
_MEANINGS = (
    ("stop", "word", "stop", "keyword"),
    ("start", "word", "", ""),
    ("refused", "word", "stop", "provider"),  # Twilio 21610: the number answered STOP
    ("mailed", "word", "unsubscribe", "reply"),
    ("unsubscribe", "word", "unsubscribe", "unsubscribe"),
    ("group_unsubscribe", "word", "unsubscribe", "group_unsubscribe"),
    ("group_resubscribe", "word", "", ""),
    ("spamreport", "complaint", "complaint", "spamreport"),
    ("bounce", "arrival", "bounce", "bounce"),
    ("delivered", "arrival", "", ""),
    ("open", "arrival", "", ""),
    ("click", "arrival", "", ""),
)

_TEXTS = {  # tables in which somebody may answer STOP, and what makes a row such a text
    "sms_messages": "direction = 'inbound'",
    "chat_messages": "author_kind = 'customer' AND lower(channel) IN ('sms', 'mms', 'rcs', 'whatsapp')",
    "social_messages": "direction = 'inbound' AND channel = 'whatsapp'",
}
_SPOKEN = """
    SELECT source, source_record_id, occurred_at, phone AS address,
        CASE lower(channel) WHEN 'whatsapp' THEN 'whatsapp' ELSE 'sms' END AS channel, said
    FROM {} AS texts
    JOIN (SELECT unnest({}::VARCHAR[]) AS body, unnest({}::VARCHAR[]) AS said) AS keywords USING (body)
    WHERE {}
"""
_OTHERS = {
    "sms_messages": """
        SELECT source, source_record_id, occurred_at, phone AS address,
            CASE lower(channel) WHEN 'whatsapp' THEN 'whatsapp' ELSE 'sms' END AS channel, 'refused' AS said
        FROM {} WHERE direction = 'outbound' AND CAST(error_code AS VARCHAR) = '21610'
    """,
    "email_events": """
        SELECT source, source_record_id, occurred_at, email AS address, 'email' AS channel, lower(trim(event)) AS said
        FROM {}
    """,
    "email_messages": """
        SELECT source, source_record_id, occurred_at, email AS address, 'email' AS channel, 'mailed' AS said
        FROM {}
        WHERE direction = 'inbound' AND kind = 'letter' AND (
            lower(trim(subject)) = 'unsubscribe'
            OR length(body_text) <= 20 AND regexp_full_match(
                lower(trim(body_text)), '(unsubscribe( me)?|stop|opt ?out|remove me)[.!]*')
        )
    """,
}
TABLES = tuple(sorted({*_TEXTS, *_OTHERS}))  # in which somebody may say no, beside `consents`
_FOUND = """
    WITH meanings AS (
        SELECT unnest({}::VARCHAR[]) AS said, unnest({}::VARCHAR[]) AS about, unnest({}::VARCHAR[]) AS reason,
            unnest({}::VARCHAR[]) AS method
    ),
    words AS ({}),
    meant AS (
        SELECT words.*, about, reason, method, lower(trim(address)) AS place,
            try_cast(occurred_at AS TIMESTAMP) AS moment
        FROM words JOIN meanings USING (said)
        WHERE trim(address) <> ''
    ),
    weighed AS (
        SELECT *, max(moment) FILTER (reason = '') OVER (PARTITION BY channel, place, about) AS taken_back
        FROM meant
        -- what takes something back is asked only where there is something
        SEMI JOIN (SELECT channel, place, about FROM meant WHERE reason <> '') AS outs USING (channel, place, about)
    ),
    picked AS (
        SELECT * FROM weighed
        WHERE reason <> '' AND (moment IS NULL OR taken_back IS NULL OR moment >= taken_back)
        QUALIFY row_number() OVER (
            PARTITION BY channel, place, reason ORDER BY moment DESC NULLS FIRST, source_record_id
        ) = 1
    )
    SELECT picked.source, picked.source_record_id, channel, address, reason, method, moment, customer_id
    FROM picked LEFT JOIN {} AS people
        ON picked.source = people.source AND picked.source_record_id = people.source_record_id
    ORDER BY moment, picked.source_record_id
"""
NOBODY = Sql(
    "(SELECT NULL::VARCHAR AS source, NULL::VARCHAR AS source_record_id, NULL::VARCHAR AS customer_id LIMIT 0)"
)
_REVOKED = """
    SELECT source, source_record_id, lower(trim(channel)) AS channel, lower(trim(purpose)) AS purpose, legal_basis,
        try_cast(occurred_at AS TIMESTAMP) AS moment, method, wording, locale, email, phone
    FROM {}
    WHERE lower(trim(action)) = 'revoke' AND (trim(email) <> '' OR trim(phone) <> '')
    ORDER BY moment, source_record_id
"""
_CHANNELS = ("email", "sms", "whatsapp", "voice")
_PURPOSES = ("marketing", "service", "profiling")
_BASES = ("consent", "soft_opt_in", "legitimate_interest", "contract")


@dataclass(frozen=True)
class Word:
    """A "no" about one address, or what the mail provider had to say of it; `moment` (naive UTC) is None without a date."""

    source: str
    source_record_id: str
    channel: str
    address: str
    reason: SuppressionReason
    method: str
    moment: datetime | None
    customer_id: str | None = None


@dataclass(frozen=True)
class Arrival:
    """When data came (naive UTC), where numbers without a country code are from, and what names the delivery."""

    at: datetime
    region: str
    evidence: Mapping[str, Any] | None = None


def heed(
    settings: Settings,
    staged: Iterable[tuple[str, duckdb.DuckDBPyConnection]],
    at: datetime,
    evidence: Mapping[str, Any] | None = None,
) -> ImportCounts:
    """Record the opt-outs among the staged rows of each table, of which nothing has to have landed yet.

    Rows that name nobody by an address are left to the build, which knows who they are. The store is made where there is
    none, and opened only where there is something to record. `evidence` names the delivery; `at` is naive UTC.
    """
    arrival, counts = Arrival(at, home_region(settings), evidence), ImportCounts(0, 0, 0)
    with ExitStack() as stack:

        @cache
        def ledger() -> tuple[Store, Addresses]:
            store = stack.enter_context(open_store(settings))
            return store, read_addresses(settings, store)

        for table, connection in staged:
            if table not in (*TABLES, "consents"):
                continue
            rows = _staged(connection, table)
            for words in find_words(connection, {table: rows}):
                counts += record_words(*ledger(), words, arrival)
            for revoked in _revoked(connection, rows) if table == "consents" else ():
                consents = [_consent(row, arrival) for row in revoked]
                counts += record_imports(*ledger(), consents, at)
    return counts


def find_words(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Sql], people: Sql = NOBODY
) -> Iterator[list[Word]]:
    """Find the opt-outs that stand in tables (each with the relation that holds its rows), a few thousand at a time.

    Of an address and reason the newest is given; one without a date counts as the newest. `people` relates records
    (source, source_record_id) to a customer_id.
    """
    words = [part for table, rows in tables.items() for part in _words(connection, table, rows)]
    if not words:
        return
    columns = (value(list(column)) for column in zip(*_MEANINGS, strict=True))
    query = sql(_FOUND, *columns, joined(" UNION ALL ", words), people)
    connection.execute(query.text, query.bound)
    while rows := connection.fetchmany(FETCHED):
        yield [Word(*row) for row in rows]


def record_words(store: Store, addresses: Addresses, words: Iterable[Word], arrival: Arrival) -> ImportCounts:
    """Record opt-outs that were found; what is known already is not recorded again."""
    return record_opt_outs(store, (_opt_out(word, addresses, arrival) for word in words), arrival.at)


def _words(connection: duckdb.DuckDBPyConnection, table: str, rows: Sql) -> Iterator[Sql]:
    if table in _TEXTS:
        spoken = sql("SELECT DISTINCT body FROM {} WHERE length(body) <= {}", rows, value(LONGEST_KEYWORD))
        texts = [text for (text,) in connection.execute(spoken.text, spoken.bound).fetchall()]
        meant = {text: word for text in texts if (word := keyword_of(text)) in {"stop", "start"}}
        if meant:
            lists = (value(list(meant)), value(list(meant.values())))
            yield sql(_SPOKEN, rows, *lists, Sql(_TEXTS[table]))
    if table in _OTHERS:
        yield sql(_OTHERS[table], rows)


def _revoked(connection: duckdb.DuckDBPyConnection, rows: Sql) -> Iterator[list[tuple[Any, ...]]]:
    query = sql(_REVOKED, rows)
    connection.execute(query.text, query.bound)
    while found := connection.fetchmany(FETCHED):
        yield found


def _staged(connection: duckdb.DuckDBPyConnection, table: str) -> Sql:
    """Read staged rows; one that has no record id is known again by its content."""
    content = row_hash(load_contract(table), staged_types(connection))
    return sql(
        "(SELECT * REPLACE (coalesce(source_record_id, 'row/' || {}) AS source_record_id) FROM staged)",
        content,
    )


def _opt_out(word: Word, addresses: Addresses, arrival: Arrival) -> ImportedOptOut:
    moment, doubt = _moment(word.moment, arrival)
    return ImportedOptOut(
        address_hash=addresses.hash(_written(word.channel, word.address, arrival.region)),
        channel=word.channel,
        reason=word.reason,
        occurred_at=moment,
        source=word.source,
        source_record_id=word.source_record_id,
        method=word.method,
        customer_id=word.customer_id,
        dated=not doubt,
        evidence=_evidence(arrival, doubt),
    )


def _consent(row: tuple[Any, ...], arrival: Arrival) -> ImportedConsent:
    """Make a revocation of a row; what it says wrongly but for the "no" is what it is most likely to mean."""
    source, record_id, channel, purpose, basis, said_at, method, wording, locale, email, phone = row
    moment, doubt = _moment(said_at, arrival)
    channel = channel if channel in _CHANNELS else "email" if email else "sms"
    address = email if channel == "email" else phone
    return ImportedConsent(
        customer_id=None,
        source=source,
        source_record_id=record_id,
        channel=channel,
        purpose=purpose if purpose in _PURPOSES else "marketing",
        action="revoke",
        legal_basis=basis if basis in _BASES else "consent",
        occurred_at=moment,
        method=method,
        wording=wording,
        locale=locale,
        address=_written(channel, address, arrival.region) if address else None,
        evidence=_evidence(arrival, doubt),
    )


def _moment(said: datetime | None, arrival: Arrival) -> tuple[datetime, str]:
    """Give the moment that counts, and what was wrong with the one that was said."""
    if said is None:
        return arrival.at, NO_DATE
    return (said, "") if said <= arrival.at else (arrival.at, LATER)


def _evidence(arrival: Arrival, doubt: str) -> dict[str, Any] | None:
    return {**(arrival.evidence or {}), **({"date": doubt} if doubt else {})} or None


def _written(channel: str, address: str, region: str) -> str:
    """Give an address as a build and a webhook write it; what cannot be a real one is kept as it stands."""
    found = normalise(channel, address, region)
    if found or channel == "email":
        return found or address.strip().lower()
    try:
        number = phonenumbers.parse(address, region)
    except phonenumbers.NumberParseException:
        return address.strip()
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
