"""Segments: a tree of rules about customers, written in YAML, compiled to one query with bound values."""

from messaging.segments.asking import (
    Changes,
    Members,
    Overlap,
    SegmentCount,
    changes,
    count,
    ids,
    members,
    overlap,
    person,
    preview,
)
from messaging.segments.compiling import Lists, Query, compile_segment
from messaging.segments.holding import Person, failing, holds
from messaging.segments.reading import read_goal, read_segment
from messaging.segments.rules import (
    ORDERED,
    Comparison,
    Goal,
    Joined,
    Rule,
    Segment,
    columns_of,
    lists_of,
    named_in,
)
from messaging.segments.words import describe

__all__ = [
    "ORDERED",
    "Changes",
    "Comparison",
    "Goal",
    "Joined",
    "Lists",
    "Members",
    "Overlap",
    "Person",
    "Query",
    "Rule",
    "Segment",
    "SegmentCount",
    "changes",
    "columns_of",
    "compile_segment",
    "count",
    "describe",
    "failing",
    "holds",
    "ids",
    "lists_of",
    "members",
    "named_in",
    "overlap",
    "person",
    "preview",
    "read_goal",
    "read_segment",
]
