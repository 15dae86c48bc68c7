"""Who is in a segment: asked of a release, and bounded in time.

Of who objected to profiling since the release (objections.py) nothing is known that was concluded of them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from messaging.customers.merges import became_in, last_id
from messaging.objections import everybody
from messaging.release import Row, Snapshot
from messaging.segments.compiling import Lists, Query, compile_segment, quoted
from messaging.segments.holding import Person
from messaging.segments.rules import SECONDS, Segment, columns_of, looks_at_touches

# Into these go names of the contract and compiled conditions; every value is bound.
COUNT = "SELECT count(*) AS people, count(*) FILTER (WHERE {where}) AS matched FROM {people}"
SELECT = "SELECT {columns} FROM {people} WHERE {where} ORDER BY {order} LIMIT ?"
IDS = "SELECT customer_id FROM {people} WHERE {where}"
ONE_OF = "customer_id IN (SELECT unnest(?::VARCHAR[]))"
PATTERNS = "SELECT {flags}, count(*) AS people FROM {people} GROUP BY ALL"
TOUCHES = "SELECT * FROM c360.customer_timeline WHERE customer_id = ?"
TOUCH_TABLE = "customer_timeline"
SEEN_LAST_FIRST = "last_seen_at DESC NULLS LAST, customer_id"
AT_ONCE = 1000  # people whose columns become dicts in one go


@dataclass(frozen=True)
class SegmentCount:
    """How many people a segment matches, out of how many there are."""

    name: str
    people: int
    matched: int


@dataclass(frozen=True)
class Overlap:
    """How several segments lie over one another: the people of each alone, of each two together, and of any and all."""

    matched: Mapping[str, int]
    pairs: Mapping[tuple[str, str], int]
    any: int
    all: int


@dataclass(frozen=True)
class Changes:
    """Who came into a segment and who left it between two releases; ids are today's, so that a merge moves nobody."""

    name: str
    before: str  # the version of the earlier release
    before_as_of: datetime
    matched_before: int
    matched: int
    entered: tuple[str, ...]
    left: tuple[str, ...]


def count(
    snapshot: Snapshot, segment: Segment, objectors: Collection[str], lists: Lists | None = None
) -> SegmentCount:
    """Count the people of a segment; `objectors` to profiling are those of now (objections.py).

    `lists` has the customers of each uploaded list that the segment names. Raises ReleaseError when it takes longer than
    five seconds.
    """
    query = _compiled(snapshot, segment, lists)
    people, bound = everybody(snapshot, objectors)
    sql = COUNT.format(where=query.where, people=people)
    found = snapshot.rows(sql, [*query.parameters, *bound], seconds=SECONDS)[0]
    return SegmentCount(segment.name, found["people"], found["matched"])


def preview(
    snapshot: Snapshot,
    segment: Segment,
    objectors: Collection[str],
    limit: int = 20,
    lists: Lists | None = None,
) -> list[Row]:
    """Give some people of a segment, those seen last first, with the columns that the rules look at."""
    columns = ["customer_id", "display_name", "last_seen_at", *columns_of(segment.rule)]
    wanted = ", ".join(quoted(column) for column in dict.fromkeys(columns))
    sql, bound = _selected(snapshot, segment, objectors, lists, wanted, SEEN_LAST_FIRST, limit)
    return snapshot.rows(sql, bound, seconds=SECONDS)


class Members:
    """Everybody of a segment, those seen last first: kept as columns, and given as a dict each."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __len__(self) -> int:
        """Count them."""
        return int(self._table.num_rows)

    def __iter__(self) -> Iterator[Row]:
        """Give one after the other."""
        return _rows_of(self._table)

    def some(self, number: int) -> "Members":
        """Give at most so many of them, from all over."""
        if len(self) <= number:
            return self
        return Members(self._table.take([place * len(self) // number for place in range(number)]))

    def pick(self, customer_ids: Collection[str]) -> list[Row]:
        """Give a few of them by their ids."""
        wanted = pa.array(customer_ids, self._table["customer_id"].type)
        return [*_rows_of(self._table.filter(pc.is_in(self._table["customer_id"], wanted)))]


def _rows_of(table: pa.Table) -> Iterator[Row]:
    names = table.column_names
    for some in table.to_batches(AT_ONCE):
        for values in zip(*(column.to_pylist() for column in some.columns), strict=True):
            yield dict(zip(names, values, strict=True))


def members(  # noqa: PLR0913 - what is asked, and of whom
    snapshot: Snapshot,
    segment: Segment,
    objectors: Collection[str],
    lists: Lists | None = None,
    columns: Collection[str] | None = None,
    *,
    only: Collection[str] | None = None,
) -> Members:
    """Give everybody of a segment, those seen last first, with those of `columns` that the release has: all unless told.

    `only` asks of these ids alone. A campaign shows a dozen of two hundred columns; all of them of 200,000 people would take
    more than a gigabyte.
    """
    there = snapshot.columns("customer_360")
    wanted = "*" if columns is None else ", ".join(quoted(each) for each in there if each in columns)
    sql, bound = _selected(snapshot, segment, objectors, lists, wanted, SEEN_LAST_FIRST, None, only)
    return Members(snapshot.table(sql, bound, seconds=SECONDS))


def overlap(
    snapshot: Snapshot, segments: Sequence[Segment], objectors: Collection[str], lists: Lists | None = None
) -> Overlap:
    """Lay several segments over one another, in one pass over everybody."""
    queries = [_compiled(snapshot, each, lists) for each in segments]
    flags = ", ".join(f"{query.where} AS in_{number}" for number, query in enumerate(queries))
    people, bound = everybody(snapshot, objectors)
    parameters = [value for query in queries for value in query.parameters]
    rows = snapshot.rows(PATTERNS.format(flags=flags, people=people), [*parameters, *bound], seconds=SECONDS)

    def together(*numbers: int) -> int:
        return sum(row["people"] for row in rows if all(row[f"in_{number}"] for number in numbers))

    several = range(len(segments))
    return Overlap(
        matched={segments[number].name: together(number) for number in several},
        pairs={(segments[a].name, segments[b].name): together(a, b) for a, b in combinations(several, 2)},
        any=sum(row["people"] for row in rows if any(row[f"in_{number}"] for number in several)),
        all=together(*several),
    )


def changes(
    now: Snapshot, before: Snapshot, segment: Segment, objectors: Collection[str], lists: Lists | None = None
) -> Changes:
    """Tell who came into a segment and who left it since an earlier release.

    Somebody who was merged into another since is that other one; lists are as they stand today.
    """
    today = ids(now, segment, objectors, lists)
    earlier = ids(before, segment, objectors, lists)
    became = became_in(now)
    known = {last_id(became, each) for each in earlier}
    return Changes(
        name=segment.name,
        before=before.info.version,
        before_as_of=before.info.as_of,
        matched_before=len(earlier),
        matched=len(today),
        entered=tuple(sorted(today - known)),
        left=tuple(sorted(known - today)),
    )


def person(
    snapshot: Snapshot, segment: Segment, facts: Mapping[str, Any], lists: Lists | None = None
) -> Person:
    """Put together what the rules of a segment look at in one customer, whose `facts` are a row of customer_360."""
    customer_id = str(facts["customer_id"])
    touches = snapshot.rows(TOUCHES, [customer_id]) if looks_at_touches(segment.rule) else []
    on = [name for name, people in (lists or {}).items() if customer_id in people]
    return Person(facts, touches, on)


def ids(
    snapshot: Snapshot, segment: Segment, objectors: Collection[str], lists: Lists | None = None
) -> set[str]:
    """Name everybody of a segment."""
    query = _compiled(snapshot, segment, lists)
    people, bound = everybody(snapshot, objectors)
    sql = IDS.format(people=people, where=query.where)
    return {
        str(row["customer_id"]) for row in snapshot.rows(sql, [*bound, *query.parameters], seconds=SECONDS)
    }


def _selected(  # noqa: PLR0913, PLR0917 - the parts of a query
    snapshot: Snapshot,
    segment: Segment,
    objectors: Collection[str],
    lists: Lists | None,
    columns: str,
    order: str,
    limit: int | None,
    only: Collection[str] | None = None,
) -> tuple[str, list[Any]]:
    query = _compiled(snapshot, segment, lists)
    people, bound = everybody(snapshot, objectors)
    where, ids = (query.where, []) if only is None else (f"({query.where}) AND {ONE_OF}", [list(only)])
    sql = SELECT.format(columns=columns, people=people, where=where, order=order)
    return sql, [*bound, *query.parameters, *ids, limit]


def _compiled(snapshot: Snapshot, segment: Segment, lists: Lists | None) -> Query:
    """Compile a segment for a release. Raises ReleaseError where an older one published no timeline."""
    if looks_at_touches(segment.rule):
        snapshot.require(TOUCH_TABLE, "customer_id", "occurred_at", "kind", "title", "amount_minor")
    return compile_segment(segment, snapshot.info.as_of, lists)
