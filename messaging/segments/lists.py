"""Lists of customers that people upload: a CSV that names each by id, e-mail address or telephone number.

Only the customers that were found are kept, and neither the file nor an address. An upload takes the place of the one
before under its name, whole or not at all.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select

from data_contracts.errors import InputError, NotFoundError
from messaging import audit
from messaging.addresses import normalise_email, normalise_phone
from messaging.customers.merges import Known
from messaging.release import Snapshot
from messaging.segments.rules import Segment, lists_of
from messaging.store.locks import lock
from messaging.store.tables_segments import customer_list_members, customer_lists

COLUMNS = ("customer_id", "email", "phone")
NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,59}")
FORMULA = (
    "=",
    "+",
    "-",
    "@",
)  # how one begins to a spreadsheet; as addresses such are legal, and hardly ever real
MOST_ROWS = 1_000_000
MOST_TOLD = 5
BATCH = 5000
MEND = "Nothing was changed. Save it as a CSV with a column customer_id, email or phone."
FOUND = """
SELECT DISTINCT asked.place, coalesce(person.customer_id, alias.customer_id, held.customer_id) AS customer_id
FROM (SELECT unnest(?::INTEGER[]) AS place, unnest(?::VARCHAR[]) AS kind, unnest(?::VARCHAR[]) AS value) AS asked
LEFT JOIN c360.customer_360 AS person ON asked.kind = 'customer_id' AND person.customer_id = asked.value
LEFT JOIN c360.identity_alias AS alias ON asked.kind = 'customer_id' AND alias.old_customer_id = asked.value
LEFT JOIN c360.customer_identifiers AS held ON held.identifier_type = asked.kind AND held.value = asked.value
"""


@dataclass(frozen=True)
class Named:
    """One row of a list: how it names somebody, and the line in which it does."""

    line: int
    kind: str  # customer_id | email | phone
    value: str


@dataclass(frozen=True)
class Uploaded:
    """What became of a list: its rows, the customers whom they named, and the lines that named nobody we know."""

    name: str
    rows: int
    matched: int
    unknown_lines: tuple[int, ...]
    uploaded_at: datetime
    uploaded_by: str


def read_list_file(path: Path, country: str | None = None) -> list[Named]:
    """Read a list out of a file, as `read_list` does. Raises InputError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from None
    return read_list(raw, str(path), country)


def read_list(raw: bytes, path: str, country: str | None = None) -> list[Named]:
    """Read a list that `path` names; `country` (ISO 3166) is where numbers without a country code were written down.

    Raises InputError with the lines of what is wrong. A cell that a spreadsheet would take for a formula is no address.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is no text in UTF-8.", MEND) from None
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    found, wrong = [], []
    try:
        columns = [name for name in rows.fieldnames or () if (name or "").strip().lower() in COLUMNS]
        if not columns:
            raise InputError(f"{path} has no column {', '.join(COLUMNS)}.", MEND)
        for number, row in enumerate(rows):
            if number >= MOST_ROWS:
                raise InputError(f"{path} has more than {MOST_ROWS:,} rows.", "Split it.")
            named = _named(rows.line_num, [(name, row.get(name)) for name in columns], country)
            found += [named] if isinstance(named, Named) else []
            wrong += [named] if isinstance(named, str) else []
    except csv.Error as error:
        raise InputError(f"{path}: line {rows.line_num} is no CSV ({error}).", MEND) from None
    if wrong:
        more = f"; and {len(wrong) - MOST_TOLD} more" if len(wrong) > MOST_TOLD else ""
        raise InputError(f"{path}: {'; '.join(wrong[:MOST_TOLD])}{more}.", MEND)
    return found


def _named(line: int, cells: Iterable[tuple[str, str | None]], country: str | None) -> Named | str | None:
    """Read who a row names by the first cell that holds something, or what is wrong with it; None of an empty row."""
    for column, cell in cells:
        kind, value = column.strip().lower(), (cell or "").strip()
        if not value:
            continue
        if kind == "email":
            value = "" if value.startswith(FORMULA) else normalise_email(value) or ""
        elif kind == "phone":
            value = normalise_phone(value, country) or ""
        elif not re.fullmatch(r"cus_[A-Za-z0-9_-]{1,80}", value):
            value = ""
        return Named(line, kind, value) if value else f"line {line}: {kind} cannot be one"
    return None


def upload(  # noqa: PLR0913, PLR0917 - who uploads what, where and when
    connection: Connection, snapshot: Snapshot, name: str, rows: Sequence[Named], actor: str, now: datetime
) -> Uploaded:
    """Put a list in the store under a name, with the customers of the release whom its rows name.

    Raises InputError where the name is none, or the rows name nobody whom we know.
    """
    if not NAME.fullmatch(name):
        raise InputError(
            f"{name!r} is no name for a list.", "Take small letters, digits and _, such as trade_fair."
        )
    found = snapshot.rows(
        FOUND,
        [[each.line for each in rows], [each.kind for each in rows], [each.value for each in rows]],
    )
    known = {row["place"] for row in found if row["customer_id"]}
    people = sorted({row["customer_id"] for row in found if row["customer_id"]})
    if not people:
        raise InputError(
            f"None of the {len(rows):,} rows names a customer.", "Nothing was changed. Check the file."
        )
    version = hashlib.sha256("\n".join(people).encode()).hexdigest()
    lock(connection, [f"list:{name}"])
    table, members = customer_lists, customer_list_members
    connection.execute(delete(members).where(members.c.name == name))
    connection.execute(delete(table).where(table.c.name == name))
    uploaded = Uploaded(
        name=name,
        rows=len(rows),
        matched=len(people),
        unknown_lines=tuple(sorted({each.line for each in rows} - known)),
        uploaded_at=now,
        uploaded_by=actor,
    )
    connection.execute(
        insert(table).values(
            name=name,
            version=version,
            rows=len(rows),
            matched=len(people),
            uploaded_at=now,
            uploaded_by=actor,
        )
    )
    for start in range(0, len(people), BATCH):
        batch = people[start : start + BATCH]
        connection.execute(insert(members), [{"name": name, "customer_id": each} for each in batch])
    audit.record(connection, actor, "list.upload", name, {"rows": len(rows), "matched": len(people)}, at=now)
    return uploaded


def remove(connection: Connection, name: str, actor: str, now: datetime) -> None:
    """Take a list away. Raises NotFoundError."""
    _require(connection, [name])
    connection.execute(delete(customer_list_members).where(customer_list_members.c.name == name))
    connection.execute(delete(customer_lists).where(customer_lists.c.name == name))
    audit.record(connection, actor, "list.remove", name, at=now)


def all_lists(connection: Connection) -> list[Uploaded]:
    """Give every list that there is, by name."""
    rows = connection.execute(select(customer_lists).order_by(customer_lists.c.name))
    return [Uploaded(row.name, row.rows, row.matched, (), row.uploaded_at, row.uploaded_by) for row in rows]


def read_lists(connection: Connection, segment: Segment, known: Known) -> dict[str, frozenset[str]]:
    """Give the customers of each list that a segment names, by the ids that they have today. Raises NotFoundError."""
    names = lists_of(segment.rule)
    if not names:
        return {}
    _require(connection, names)
    table = customer_list_members.c
    found: dict[str, set[str]] = {name: set() for name in names}
    for row in connection.execute(select(table.name, table.customer_id).where(table.name.in_(names))):
        found[row.name].add(known.current(row.customer_id))
    return {name: frozenset(people) for name, people in found.items()}


def versions(connection: Connection, segment: Segment) -> dict[str, str]:
    """Give the version of each list that a segment names: what is approved is these, too. Raises NotFoundError."""
    return _require(connection, lists_of(segment.rule))


def _require(connection: Connection, names: Sequence[str]) -> dict[str, str]:
    if not names:
        return {}
    table = customer_lists.c
    found = {
        row.name: row.version
        for row in connection.execute(select(table.name, table.version).where(table.name.in_(names)))
    }
    if missing := sorted(set(names) - set(found)):
        raise NotFoundError(
            f"There is no list {missing[0]!r}.", f"Upload it: `rapport segment upload {missing[0]} FILE`."
        )
    return found
