"""Which record is meant by somebody who names a customer, an address, an order or the record itself.

A decision of a person is about records. One is chosen so that it stands for what was named: where it goes, goes
what was meant.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from data_contracts.errors import NotFoundError, RefusedError
from messaging.customers import lookup
from messaging.identity_decisions import Kind, Record, read_record
from messaging.release import Row, Snapshot

STRONGEST = (
    "external_id",
    "email",
    "phone",
    "handle",
    "device_id",
)  # by which a record says most of a customer

KNOWN = """
SELECT source, source_record_id FROM c360.identity_map
WHERE (source, source_record_id) IN (SELECT unnest($sources), unnest($ids))
UNION
SELECT source, source_record_id FROM c360.order_lines
WHERE (source, source_record_id) IN (SELECT unnest($sources), unnest($ids))
"""
OWNER = """
SELECT customer_id FROM c360.identity_map WHERE source = $source AND source_record_id = $source_record_id
"""
HELD = """
SELECT customer_id, identifier_type, value FROM c360.customer_identifiers
WHERE value = $text
   OR (identifier_type = 'email'
       AND list_has_any($emails, [lower(value), regexp_replace(lower(value), '[+][^@]*@', '@')]))
   OR (identifier_type = 'phone' AND $digits IS NOT NULL
       AND ends_with(regexp_replace(value, '[^0-9]', '', 'g'), $digits))
   OR (identifier_type IN ('external_id', 'handle') AND ends_with(value, ':' || $text))
UNION
SELECT customer_id, identifier_type, match_key FROM c360.identity_map
WHERE identifier_type <> 'record' AND match_key = $text
ORDER BY customer_id, identifier_type, value
"""
BOUGHT = """
SELECT source, source_record_id, customer_id, occurred_at FROM c360.order_lines
WHERE ltrim(order_id, '#') = ltrim($text, '#') OR (source = $source AND source_record_id = $source_record_id)
ORDER BY occurred_at, source, source_record_id
"""
CARRIERS = """
WITH people AS (
    SELECT unnest($people) AS customer_id
), seen AS (
    SELECT source, source_record_id, min(occurred_at) AS first_seen_at
    FROM (
        SELECT customer_id, source, source_record_id, occurred_at FROM c360.customer_timeline
        UNION ALL
        SELECT customer_id, source, source_record_id, occurred_at FROM c360.order_lines
    )
    WHERE customer_id IN (FROM people)
    GROUP BY ALL
), tied AS (
    SELECT DISTINCT source, source_record_id, true AS is_tied
    FROM c360.identity_evidence WHERE customer_id IN (FROM people)
)
SELECT held.source, held.source_record_id, held.customer_id, held.identifier_type, held.match_key,
       seen.first_seen_at, coalesce(tied.is_tied, false) AS is_tied
FROM c360.identity_map AS held
LEFT JOIN seen USING (source, source_record_id)
LEFT JOIN tied USING (source, source_record_id)
WHERE held.customer_id IN (FROM people)
ORDER BY seen.first_seen_at NULLS LAST, held.source, held.source_record_id
"""
# What proves nothing, such as a number that a family shares, still stands on the records that carry it.
TIES = """
SELECT customer_id, identifier_type, match_key, other_type, other_key, source, source_record_id
FROM c360.identity_evidence WHERE customer_id IN (SELECT unnest($people)) AND kind = 'deterministic'
UNION ALL
SELECT customer_id, identifier_type, match_key, other_type, other_key, source, source_record_id
FROM c360.identity_refused WHERE customer_id IN (SELECT unnest($people)) AND kind = 'deterministic'
"""


class Key(NamedTuple):
    """What records are compared by: the type of an identifier, and its compared form."""

    identifier_type: str
    match_key: str


@dataclass(frozen=True)
class Carrier:
    """A record: it goes wherever its anchor goes.

    `customer_id` is None for a guest's: an order that names nobody. `first_seen_at` is naive UTC; `is_tied` where
    evidence names the record, so that it carries more than its anchor.
    """

    record: Record
    customer_id: str | None
    anchor: Key
    first_seen_at: datetime | None = None
    is_tied: bool = False


@dataclass(frozen=True)
class Meant:
    """What somebody's words lead to: by what, and the records, the one that stands for it best first."""

    by: str
    carriers: tuple[Carrier, ...]

    @property
    def customers(self) -> tuple[str, ...]:
        """The customers whose records these are; guests are none."""
        return tuple(sorted({each.customer_id for each in self.carriers if each.customer_id}))

    def of(self, customer_id: str) -> "Meant":
        """Keep what is one customer's."""
        return Meant(self.by, tuple(each for each in self.carriers if each.customer_id == customer_id))


def known_records(snapshot: Snapshot, records: Collection[Record]) -> frozenset[Record]:
    """Give those of these records that the release has."""
    names = sorted(records)
    parameters = {
        "sources": [each.source for each in names],
        "ids": [each.source_record_id for each in names],
    }
    return frozenset(Record(**row) for row in snapshot.rows(KNOWN, parameters)) if names else frozenset()


def choose(snapshot: Snapshot, kind: Kind, one: str, other: str) -> tuple[Carrier, Carrier]:
    """Choose the two records that a decision is about, from what somebody named.

    Raises NotFoundError where one names nobody, RefusedError where it names several customers or both lead to the
    same record, ReleaseError where the release is too old to tell.
    """
    snapshot.require("identity_map", "identifier_type", "match_key")
    snapshot.require("identity_evidence")
    snapshot.require("identity_refused")
    first, second = _meant(snapshot, one, "first"), _meant(snapshot, other, "second")
    if kind == "split":
        first, second = _of_one_customer(first, second)
    for meant, place in ((first, "first"), (second, "second")):
        if len(meant.customers) > 1:
            raise RefusedError(
                f"The {place} of the two leads to {len(meant.customers)} customers: {', '.join(meant.customers)}.",
                "Name a record as source/source_record_id, or the customer's id.",
            )
    return pair_of(first.carriers, second.carriers)


def pair_of(ones: Sequence[Carrier], others: Sequence[Carrier]) -> tuple[Carrier, Carrier]:
    """Choose the first pair of different records; one that hangs by different anchors where there is one.

    Raises RefusedError where both lead to nothing but the same record.
    """
    for differs in (_by_anchor, _by_record):
        for one in ones:
            other = next((each for each in others if differs(one, each)), None)
            if other:
                return one, other
    raise RefusedError(
        f"Both lead to the record {ones[0].record}, which cannot be parted from itself.", "Name another one."
    )


def by_words(carriers: Iterable[Carrier], keys: Collection[Key], tied: Collection[Record]) -> list[Carrier]:
    """Choose the records of an identifier: those that hang by it, what carries nothing else first; else the tied.

    `carriers` come the oldest first, and stay so among equals.
    """
    listed = list(carriers)
    hanging = [each for each in listed if each.anchor in keys]
    return sorted(hanging, key=lambda each: each.is_tied) or [each for each in listed if each.record in tied]


def by_strength(carriers: Iterable[Carrier]) -> list[Carrier]:
    """Put the records of a customer in order: those that say most of who it is first."""
    rank = {kind: place for place, kind in enumerate(STRONGEST)}
    return sorted(carriers, key=lambda each: rank.get(each.anchor.identifier_type, len(STRONGEST)))


def _by_anchor(one: Carrier, other: Carrier) -> bool:
    return one.anchor != other.anchor


def _by_record(one: Carrier, other: Carrier) -> bool:
    return one.record != other.record


def _of_one_customer(one: Meant, other: Meant) -> tuple[Meant, Meant]:
    """Where both lead to one same customer, mean its records: a split is most often of one."""
    both = sorted(set(one.customers) & set(other.customers))
    return (one.of(both[0]), other.of(both[0])) if len(both) == 1 else (one, other)


def _meant(snapshot: Snapshot, text: str, place: str) -> Meant:
    """Find what is meant, by the most exact reading that finds something."""
    for read in (_as_record, _as_customer, _as_bought, _as_identifier):
        found = read(snapshot, text)
        if found and found.carriers:
            return found
    raise NotFoundError(
        f"The {place} of the two names nobody whom the newest release knows; nothing changed.",
        "Give a customer's id, an e-mail address, a phone number, an order's number or source/source_record_id.",
    )


def _as_record(snapshot: Snapshot, text: str) -> Meant | None:
    record = read_record(text)
    owner = snapshot.row(OWNER, record._asdict()) if record else None
    if owner is None:
        return None
    carriers = _carriers(snapshot, [owner["customer_id"]])
    return Meant("record", tuple(each for each in carriers if each.record == record))


def _as_customer(snapshot: Snapshot, text: str) -> Meant | None:
    current = lookup.follow(snapshot, text)
    if current is None:
        return None
    return Meant("customer_id", tuple(by_strength(_carriers(snapshot, [current]))))


def _as_bought(snapshot: Snapshot, text: str) -> Meant | None:
    """Read an order's number, or the name of an order line: those of guests stand in no map of customers."""
    record = read_record(text) or Record("", "")
    lines = snapshot.rows(BOUGHT, {"text": text, **record._asdict()})
    if not lines:
        return None
    bought = {Record(row["source"], row["source_record_id"]): row for row in lines}
    people = {row["customer_id"] for row in lines if row["customer_id"]}
    carriers = [each for each in _carriers(snapshot, people) if each.record in bought]
    guests = [
        Carrier(each, None, Key("record", str(each)), row["occurred_at"])
        for each, row in bought.items()
        if row["customer_id"] is None
    ]
    return Meant("order", (*carriers, *guests))


def _as_identifier(snapshot: Snapshot, text: str) -> Meant | None:
    words = text.strip()
    parameters = {"text": words, "emails": lookup.emails_of(words), "digits": lookup.digits_of(words)}
    held = snapshot.rows(HELD, parameters)
    if not held:
        return None
    held = [row for row in held if str(row["value"]).lower() == words.lower()] or held
    people = {row["customer_id"] for row in held}
    ties = snapshot.rows(TIES, {"people": sorted(people)})
    carriers = _carriers(snapshot, people)
    found: dict[Record, Carrier] = {}
    for row in held:
        own = [each for each in carriers if each.customer_id == row["customer_id"]]
        keys = _keys(row, own, ties)
        found |= {each.record: each for each in by_words(own, keys, _tied(ties, keys))}
    return Meant(str(held[0]["identifier_type"]), tuple(found.values()))


def _keys(held: Row, carriers: Sequence[Carrier], ties: Sequence[Row]) -> set[Key]:
    """Give the compared forms of a value: an address is compared without its tag, and under another domain."""
    kind, value = held["identifier_type"], str(held["value"])
    if kind != "email":
        return {Key(kind, value)}
    writings = lookup.emails_of(value)
    known = {each.anchor for each in carriers}
    known |= {Key(row["identifier_type"], row["match_key"]) for row in ties}
    known |= {Key(row["other_type"], row["other_key"]) for row in ties}
    emails = {key for key in known if key.identifier_type == "email"}
    exact = {key for key in emails if key.match_key in writings}
    mailboxes = {writing.partition("@")[0] for writing in writings}
    return exact or {key for key in emails if key.match_key.partition("@")[0] in mailboxes}


def _tied(ties: Sequence[Row], keys: Collection[Key]) -> set[Record]:
    """Give the records that show one of these keys beside another."""
    return {
        Record(row["source"], row["source_record_id"])
        for row in ties
        if Key(row["identifier_type"], row["match_key"]) in keys
        or Key(row["other_type"], row["other_key"]) in keys
    }


def _carriers(snapshot: Snapshot, people: Collection[str]) -> list[Carrier]:
    return [
        Carrier(
            Record(row["source"], row["source_record_id"]),
            str(row["customer_id"]),
            Key(str(row["identifier_type"]), str(row["match_key"])),
            row["first_seen_at"],
            bool(row["is_tied"]),
        )
        for row in snapshot.rows(CARRIERS, {"people": sorted(people)})
    ]
