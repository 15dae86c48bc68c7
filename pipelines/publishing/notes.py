"""The sentences of a release: what was refused, left out or has gone stale, for people. They hold counts, and no values."""

from collections.abc import Iterator

import duckdb

_SILENT = """
    SELECT source, table_name, last_day, silent_days FROM marts.source_freshness
    WHERE state = 'silent' ORDER BY silent_days DESC, source, table_name
"""
_STALE = "SELECT count(*) FROM marts.customer_360 WHERE score_freshness = 'stale'"
_ZONES = """
    SELECT source, count(*) FROM staging.stg_landing__contacts
    WHERE time_zone IS NOT NULL AND time_zone NOT IN (SELECT name FROM pg_timezone_names())
    GROUP BY source ORDER BY source
"""


def release_notes(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Read what the warehouse has to tell beside its rows: silent sources, stale scores, unknown time zones."""
    for source, table, last, days in connection.execute(_SILENT).fetchall():
        yield (
            f"{source} has brought no {table.replace('_', ' ')} for {days:,} days, since {last.day} {last:%B %Y}; it used to"
            " bring some every few days."
        )
    if connection.execute(_STALE).fetchall()[0][0]:
        yield "The scores of purchases are stale: they tell of the time before."
    for source, records in connection.execute(_ZONES).fetchall():
        yield (
            f"Contact records of {source} name a time zone that does not exist ({records:,} of them); it was left out, and"
            " the country's is taken where there is one."
        )
