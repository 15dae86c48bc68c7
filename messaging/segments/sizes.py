"""How many people a segment had in each release: counted once a release, and kept for as long as the rule stays."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from messaging.release import ReleaseInfo
from messaging.segments.asking import SegmentCount
from messaging.segments.rules import Rule, Segment
from messaging.store.inserts import insert_new
from messaging.store.tables_segments import segment_sizes


@dataclass(frozen=True)
class Size:
    """How many people of how many a segment had in a release, whose `as_of` is naive UTC."""

    release_version: str
    as_of: datetime
    people: int
    matched: int


def keep_size(
    connection: Connection, segment: Segment, counted: SegmentCount, release: ReleaseInfo, now: datetime
) -> None:
    """Keep a count, unless the release's is kept already."""
    row = {
        "segment": segment.name,
        "release_version": release.version,
        "rule_hash": rule_hash(segment.rule),
        "as_of": release.as_of,
        "people": counted.people,
        "matched": counted.matched,
        "counted_at": now,
    }
    insert_new(connection, segment_sizes, [row])


def sizes(connection: Connection, segment: Segment, limit: int = 100) -> list[Size]:
    """Give the newest sizes of a segment by the rule that it has today, the oldest first."""
    table = segment_sizes.c
    this = (table.segment == segment.name) & (table.rule_hash == rule_hash(segment.rule))
    query = (
        select(segment_sizes)
        .where(this)
        .order_by(table.as_of.desc(), table.release_version.desc())
        .limit(limit)
    )
    rows = connection.execute(query).all()
    return [Size(row.release_version, row.as_of, row.people, row.matched) for row in reversed(rows)]


def rule_hash(rule: Rule) -> str:
    """Name a rule by a hash of all that it says, those of other segments in it too."""
    return hashlib.sha256(_said(rule).encode()).hexdigest()


def _said(rule: object) -> str:
    fields = getattr(rule, "__dataclass_fields__", None)
    if fields is None:
        return repr(rule) if not isinstance(rule, tuple) else f"({','.join(_said(each) for each in rule)})"
    inside = ",".join(f"{name}={_said(getattr(rule, name))}" for name in fields)
    return f"{type(rule).__name__}({inside})"
