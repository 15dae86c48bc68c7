"""Who moved between segments in a month: the table against a plain look at what was known when each month began."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.publishing.migration import write_migration

FIRST = datetime(2026, 1, 25)  # at midnight, so that knowledge also changes just when a month begins
UNKNOWN, WITHOUT = "unknown", None
Days = Sequence[str | None]  # what is known of a customer on each day from the first

days = st.lists(st.sampled_from(["new", "loyal", WITHOUT, UNKNOWN]), min_size=1, max_size=12)
lengths = st.lists(st.integers(1, 20), min_size=12, max_size=12)


def versions(customer: str, known: Days) -> list[tuple[str, datetime, datetime | None, str | None]]:
    """Give the rows that the history has of what was known."""
    rows = []
    start = 0
    for day in range(1, len(known) + 1):
        if day == len(known) or known[day] != known[start]:
            if known[start] != UNKNOWN:
                end = FIRST + timedelta(days=day) if day < len(known) else None
                rows.append((customer, FIRST + timedelta(days=start), end, known[start]))
            start = day
    return rows


def found(rows: Sequence[Sequence[object]], now: datetime) -> dict[tuple[int, str | None, str | None], int]:
    """Give the table: how many people, by month, segment before and segment after."""
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS state; CREATE SCHEMA warehouse")
        connection.execute(
            "CREATE TABLE state.customer_history"
            " (customer_id VARCHAR, valid_from TIMESTAMP, valid_to TIMESTAMP, rfm_segment VARCHAR)"
        )
        if rows:
            connection.executemany("INSERT INTO state.customer_history VALUES (?, ?, ?, ?)", rows)
        write_migration(connection, now)
        table = connection.execute("FROM warehouse.metric_rfm_migration").fetchall()
    return {(month.month, before, after): people for month, before, after, people in table}


@settings(max_examples=60, deadline=None)
@given(people=st.lists(st.tuples(days, lengths), min_size=1, max_size=6), length=st.integers(1, 140))
def test_each_month_counts_from_where_to_where_people_moved(
    people: list[tuple[list[str | None], list[int]]], length: int
) -> None:
    known = [
        [state for state, days in zip(states, spans, strict=False) for _ in range(days)]
        for states, spans in people
    ]
    known = [(days * length)[:length] for days in known]
    now = FIRST + timedelta(days=length - 1)
    rows = [row for number, days in enumerate(known) for row in versions(f"cus_{number}", days)]

    def segment(days: Days, moment: datetime) -> str | None:
        day = (min(moment, now) - FIRST).days
        return days[day] if 0 <= day < length and days[day] != UNKNOWN else None

    expected: Counter[tuple[int, str | None, str | None]] = Counter()
    for days in known:
        for month in range(1, now.month + 1):
            moved = segment(days, datetime(2026, month, 1)), segment(days, datetime(2026, month + 1, 1))
            if moved != (None, None):
                expected[(month, *moved)] += 1
    assert found(rows, now) == expected


def test_an_empty_history_has_no_moves() -> None:
    assert found([], FIRST) == {}
