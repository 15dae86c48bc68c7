"""The sentences of a release: what was refused, left out or has gone stale, for people. They hold counts, and no values."""

from collections.abc import Iterator

import duckdb

from pipelines.warehouse.connection import has_table

_SILENT = """
    SELECT source, table_name, last_day, silent_days FROM marts.source_freshness
    WHERE state = 'silent' ORDER BY silent_days DESC, source, table_name
"""
_RETIRED = """
    SELECT source, table_name, last_day FROM marts.source_freshness
    WHERE state = 'retired' ORDER BY last_day, source, table_name
"""
_STALE = "SELECT count(*) FROM marts.customer_360 WHERE score_freshness = 'stale'"
_ZONES = """
    SELECT source, count(*) FROM staging.stg_landing__contacts
    WHERE time_zone IS NOT NULL AND time_zone NOT IN (SELECT name FROM pg_timezone_names())
    GROUP BY source ORDER BY source
"""
# What has not happened yet is refused by its own date and its arrival, not by the build's: a record that is left out today
# for the day of the build would have to come in tomorrow, and every increment would have to look for it.
_AHEAD = """
    SELECT table_name, sum(set_aside)::BIGINT FROM warehouse.contract_results
    WHERE rule IN ('not_a_day_ahead', 'not_from_the_future') AND set_aside > 0
    GROUP BY table_name ORDER BY table_name
"""


def release_notes(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Read what the warehouse has to tell beside its rows: silent sources, stale scores, unknown time zones, the future."""
    for source, table, last, days in connection.execute(_SILENT).fetchall():
        yield (
            f"{source} has brought no {table.replace('_', ' ')} for {days:,} days, since {last.day} {last:%B %Y}; it used to"
            " bring some every few days."
        )
    for source, table, last in connection.execute(_RETIRED).fetchall():
        yield (
            f"{source} has brought no {table.replace('_', ' ')} since {last.day} {last:%B %Y} while others did: it counts as"
            " retired, and no score waits for it."
        )
    if connection.execute(_STALE).fetchall()[0][0]:
        yield "The scores of purchases are stale: they tell of the time before."
    for source, records in connection.execute(_ZONES).fetchall():
        yield (
            f"Contact records of {source} name a time zone that does not exist ({records:,} of them); it was left out, and"
            " the country's is taken where there is one."
        )
    if has_table(connection, "warehouse", "contract_results"):
        for table, records in connection.execute(_AHEAD).fetchall():
            yield (
                f"Records of {table.replace('_', ' ')} are dated later than they came ({records:,} of them); they wait in"
                " the quarantine, and count nowhere until their time has come and they are replayed."
            )
