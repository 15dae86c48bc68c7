"""A small company that changes from day to day: everything that a build may find different from the day before."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from messaging.identity_decisions import Decision, Kind
from pipelines.identity.people import IdentityOrder, IdentityReport, resolve_people
from pipelines.warehouse.connection import open_warehouse

if TYPE_CHECKING:
    import duckdb

FIRST_DAY = datetime.fromisoformat("2020-01-01")
DAYS = 1200  # over which numbers go silent, and pass on
TABLES = ("contacts", "purchases", "events", "chat_messages")
SOURCES = ("shop", "mail", "chat")
GIVEN = ("Ann", "Anne", "A", "Bob", "Carl", "Dora", "Hugo", "Ines", "Zoe", None, None)
FAMILY = ("Lee", "Ray", "Kim", None)
BIRTH = (date(1980, 1, 1), date(1990, 2, 2), None, None)
HOMES = (
    ("1 High Street", "Leeds", "LS1 4AB"),
    ("2 High Street", "Leeds", "LS1 4AB"),
    ("1 Mill Lane", "York", "YO1 7HH"),
)
SHARE = {  # of records that carry an identifier of the type
    "email": 0.35,
    "phone": 0.35,
    "external_id": 0.3,
    "handle": 0.1,
    "order": 0.15,
    "conversation": 0.1,
    "device_id": 0.1,
}

Names = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Record:
    """What a system says; `ids` has one value a type."""

    name: str
    table: str = "purchases"
    source: str = "shop"
    at: datetime | None = FIRST_DAY
    given: str | None = None
    family: str | None = None
    birth: date | None = None
    home: tuple[str, str, str] | None = None  # street, city, postcode
    ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """All records of a day, and what people decided by then. `drawn` counts records that there ever were."""

    records: tuple[Record, ...]
    decisions: tuple[Decision, ...] = ()
    drawn: int = 0

    @classmethod
    def draw(cls, random: Random, size: int, values: int) -> "World":
        """Draw so many records, with so many different values of a type."""
        return cls(tuple(draw_record(random, number, values) for number in range(size)), (), size)

    def a_day_later(self, random: Random, values: int, *, leaving: bool = True) -> "World":
        """Let a few records come, go and say something else, and a person decide or take it back.

        Without `leaving` no record goes, as in a build of a part.
        """
        records, drawn = list(self.records), self.drawn
        for _ in range(random.choice((1, 1, 2, 4))):
            at, what = random.randrange(len(records)), random.random()
            if what < 0.3:
                records.append(draw_record(random, drawn, values))
                drawn += 1
            elif leaving and what < 0.5 and len(records) > 2:
                del records[at]
            else:
                records[at] = said_anew(random, records[at], values)
        decisions = list(self.decisions)
        if decisions and random.random() < 0.3:
            decisions.remove(random.choice(decisions))
        if random.random() < 0.5:
            decisions.append(draw_decision(random, records, f"dec_{drawn:04}_{random.randrange(2**31)}"))
        return World(tuple(records), tuple(decisions), drawn)


def draw_record(random: Random, number: int, values: int) -> Record:
    """Draw a record that has not been there yet."""
    at = None if random.random() < 0.1 else FIRST_DAY + timedelta(days=random.randrange(DAYS))
    return Record(
        f"r{number}",
        random.choice(TABLES),
        random.choice(SOURCES),
        at,
        random.choice(GIVEN),
        random.choice(FAMILY),
        random.choice(BIRTH),
        random.choice((*HOMES, None)),
        draw_ids(random, values),
    )


def draw_ids(random: Random, values: int) -> dict[str, str]:
    value = {
        "email": "{}@mail.example",
        "phone": "+4429201808{:02}",
        "external_id": random.choice(("shop:{}", "mail:{}", "shop:{}", "fair:{}")),
        "handle": "chat:h{}",
        "order": "shop:#{}",
        "conversation": "chat:{}",
        "device_id": "device{}",
    }
    return {
        kind: value[kind].format(random.randrange(values))
        for kind, share in SHARE.items()
        if random.random() < share
    }


def said_anew(random: Random, record: Record, values: int) -> Record:
    """Let a record say something else: a name, a birth date, a home, a moment, or identifiers."""
    match random.randrange(5):
        case 0:
            return replace(record, given=random.choice(GIVEN))
        case 1:
            return replace(record, birth=random.choice(BIRTH))
        case 2:
            return replace(record, at=FIRST_DAY + timedelta(days=random.randrange(DAYS)))
        case 3:
            return replace(record, home=random.choice((*HOMES, None)))
        case _:
            return replace(record, ids=draw_ids(random, values))


def draw_decision(random: Random, records: Sequence[Record], name: str) -> Decision:
    """Decide about two records; of those that carry the same, where there are such."""
    one, other = random.sample(records, 2)
    alike = [each for each in records if each is not one and set(each.ids.items()) & set(one.ids.items())]
    return decide(random.choice(("merge", "split")), one, random.choice([other, *alike]), name)


def decide(kind: Kind, one: Record, other: Record, name: str = "dec_1") -> Decision:
    """Say of two records that they are one person, or two."""
    return Decision(
        name, kind, one.source, one.name, other.source, other.name, "a person", "known", FIRST_DAY
    )


@dataclass(frozen=True)
class Result:
    """What a build published. Rows name each customer by the first of their records, so that builds compare."""

    report: IdentityReport
    people: Mapping[tuple[str, str], str]
    aliases: Mapping[str, str]
    journal: Sequence[tuple[Any, ...]]
    rows: Mapping[str, Sequence[str]]

    @property
    def groups(self) -> dict[str, frozenset[tuple[str, str]]]:
        """Give the records of each customer."""
        found: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for record, customer in self.people.items():
            found[customer].add(record)
        return {customer: frozenset(records) for customer, records in found.items()}


class Home:
    """build.duckdb and state.duckdb in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.build = folder / "build.duckdb"
        self.state = folder / "state.duckdb"
        self.builds = 0
        self.refused: dict[tuple[str, str], str] = {}  # values that dbt refuses, by type, with the reason

    def resolve(
        self,
        records: Sequence[Record],
        order: IdentityOrder | None = None,
        *,
        threads: int | None = None,
        brought: Sequence[Record] | None = None,
    ) -> Result:
        """Put records where dbt puts them, run the identity step, and read what it published.

        `brought` are the records of a part, new or with other words; without it the build is a full one.
        """
        self.builds += 1
        with open_warehouse(self.build) as connection:
            if threads:
                connection.execute(f"SET threads = {threads}")
            land(connection, records, self.refused)
            announce(connection, brought)
            at = FIRST_DAY + timedelta(days=DAYS + self.builds)
            report = resolve_people(connection, self.state, at, order, f"bld_{self.builds:03}")
            return read(connection, report)


def land(
    connection: "duckdb.DuckDBPyConnection",
    records: Sequence[Record],
    refused: Mapping[tuple[str, str], str] | None = None,
) -> None:
    """Write the two tables that dbt hands to the identity step."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS intermediate")
    connection.execute(
        "CREATE OR REPLACE TABLE intermediate.int_identity__identifiers (origin_table VARCHAR, source VARCHAR,"
        " source_record_id VARCHAR, occurred_at TIMESTAMP, identifier_type VARCHAR, value VARCHAR,"
        " match_key VARCHAR, refused_reason VARCHAR)"
    )
    connection.execute(
        "CREATE OR REPLACE TABLE intermediate.int_identity__records (origin_table VARCHAR, source VARCHAR,"
        " source_record_id VARCHAR, occurred_at TIMESTAMP, given_name VARCHAR, family_name VARCHAR,"
        " birth_date DATE, street VARCHAR, city VARCHAR, postcode VARCHAR, country VARCHAR)"
    )
    rows: list[tuple[Any, ...]] = [
        (r.table, r.source, r.name, r.at, kind, value, value, (refused or {}).get((kind, value)))
        for r in records
        for kind, value in r.ids.items()
    ]
    if rows:
        connection.executemany(
            "INSERT INTO intermediate.int_identity__identifiers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
        )
    rows = [
        (r.table, r.source, r.name, r.at, r.given, r.family, r.birth, *(r.home or (None, None, None)))
        for r in records
    ]
    if rows:
        connection.executemany(
            "INSERT INTO intermediate.int_identity__records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            rows,
        )


def announce(connection: "duckdb.DuckDBPyConnection", brought: Sequence[Record] | None) -> None:
    """Say what loading says: whether the build is of a part, and of which records."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS increment")
    connection.execute(
        "CREATE OR REPLACE TABLE increment.state AS SELECT ?::VARCHAR AS kind, 'a test' AS reason",
        ["full" if brought is None else "part"],
    )
    connection.execute(
        "CREATE OR REPLACE TABLE increment.records AS"
        " SELECT unnest(?::VARCHAR[]) AS source, unnest(?::VARCHAR[]) AS source_record_id",
        [[each.source for each in brought or ()], [each.name for each in brought or ()]],
    )


def read(connection: "duckdb.DuckDBPyConnection", report: IdentityReport) -> Result:
    """Read what the last build published."""
    mapped = connection.execute(
        "SELECT source, source_record_id, customer_id FROM identity.identity_map ORDER BY ALL"
    ).fetchall()
    first: dict[str, str] = {}
    for source, record, customer in mapped:
        first.setdefault(customer, f"{source}/{record}")
    tables = ("map", "evidence", "refused", "blocked", "review")
    return Result(
        report,
        {(source, record): customer for source, record, customer in mapped},
        dict(
            connection.execute("SELECT old_customer_id, customer_id FROM identity.identity_alias").fetchall()
        ),
        connection.execute(
            "SELECT build_id, kind, customer_id, other_customer_id, cause FROM identity.identity_journal"
            " ORDER BY build_id, CASE kind WHEN 'merged' THEN 2 ELSE 1 END"
        ).fetchall(),
        {
            name: named(connection, name, first)
            for name in (*(f"identity_{table}" for table in tables), "customer_identifiers")
        },
    )


def named(connection: "duckdb.DuckDBPyConnection", table: str, first: Mapping[str, str]) -> list[str]:
    """Give a table's rows as text, in order, with customers named by their first records."""
    rows = connection.execute(f"FROM identity.{table}").fetchall()
    return sorted(repr(tuple(first.get(value, value) for value in row)) for row in rows)
