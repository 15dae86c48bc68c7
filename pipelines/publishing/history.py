"""What we knew of each customer, and when: one row a change of the columns that the contract marks with `history`.

The moments are those of builds (`as_of`): what a build tells of a customer holds from then until a build tells otherwise.
Late data changes what is known from now on and nothing of what was known before, so that "what did we know when we
wrote?" has the answer of that day. A build that looks back, to before the newest that stands here, tells of no new
knowledge and leaves no row.

The rows are written just before the release is. Where it then did not come to stand, the next build takes back what that
one wrote: nobody ever read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.contracts import published_contract
from data_contracts.errors import BuildError
from data_contracts.sql import Sql, joined, name, sql
from pipelines.publishing.migration import MONTHS, write_migration
from pipelines.warehouse.connection import open_warehouse, quote_text
from pipelines.warehouse.state import attached_state, transaction

if TYPE_CHECKING:
    import duckdb

VIEW = "customer_360"
VERSIONS_KEPT = 50  # of one customer in state.duckdb, the newest; and those that stood when a month began
VERSIONS_PUBLISHED = 20  # of one customer in a release
DAYS_KEPT = 1096  # three years after a version has ended
BUILDS_KEPT = 1000


@dataclass(frozen=True)
class Telling:
    """A build that is about to be published: its id, its moment (naive UTC), and its release's name."""

    build_id: str
    as_of: datetime
    version: str


@dataclass(frozen=True)
class Recorded:
    """How many customers are known for the first time, known otherwise than before, and no longer known.

    `note` says why nothing was recorded, where nothing was.
    """

    first: int = 0
    changed: int = 0
    ended: int = 0
    note: str = ""


def remembered_columns() -> dict[str, str]:
    """Give the columns of customer_360 whose changes are kept, and their DuckDB types."""
    return {column.name: column.type for column in published_contract(VIEW).columns if column.history}


def record_history(build_path: Path, state_path: Path, telling: Telling, stands: str | None) -> Recorded:
    """Write down what a build knows otherwise than the last one, and leave warehouse.customer_360_history to publish.

    `stands` is the version of the release that readers see now, None where nothing is published.
    """
    columns = remembered_columns()
    with open_warehouse(build_path) as connection, attached_state(connection, state_path):
        with transaction(connection):
            _add_columns(connection, columns)
            _take_back(connection, stands)
            newest = connection.execute(_NEWEST).fetchall()[0][0]
            looks_back = newest is not None and telling.as_of < newest
            recorded = (
                Recorded(note=_look_back(telling.as_of, newest))
                if looks_back
                else _record(connection, columns, telling)
            )
            connection.execute(
                _REMEMBER_BUILD, [telling.build_id, telling.as_of, telling.version, not looks_back]
            )
            connection.execute(_FORGET_BUILDS, [BUILDS_KEPT])
        _hand_on(connection, columns, newest if looks_back else telling.as_of)
    return recorded


def hand_on_history(build_path: Path, state_path: Path, as_of: datetime) -> None:
    """Leave warehouse.customer_360_history to publish as the state has it, and tell nothing new."""
    columns = remembered_columns()
    with open_warehouse(build_path) as connection, attached_state(connection, state_path):
        _add_columns(connection, columns)
        _hand_on(connection, columns, as_of)


def _hand_on(connection: "duckdb.DuckDBPyConnection", columns: Mapping[str, str], as_of: datetime) -> None:
    connection.execute("CREATE SCHEMA IF NOT EXISTS warehouse")
    connection.execute(sql(_HAND_ON, _listed(columns), _listed(columns)).text, [VERSIONS_PUBLISHED])
    write_migration(connection, as_of)


_NEWEST = "SELECT max(as_of) FROM state.history_builds WHERE is_recorded"
_REMEMBER_BUILD = "INSERT INTO state.history_builds VALUES (?, ?, ?, ?)"
_FORGET_BUILDS = """
    DELETE FROM state.history_builds WHERE build_id NOT IN (
        SELECT build_id FROM state.history_builds ORDER BY build_id DESC LIMIT ?)
"""

_LAST_BUILD = "SELECT build_id, version FROM state.history_builds ORDER BY build_id DESC LIMIT 1"
_TAKE_BACK = (
    "DELETE FROM state.customer_history WHERE build_id = $build_id",
    """
    UPDATE state.customer_history SET valid_to = NULL, ended_as = NULL, ended_by = NULL
    WHERE ended_by = $build_id
    """,
    "DELETE FROM state.history_builds WHERE build_id = $build_id",
)

# Who is known otherwise than before. `{}`: what tells that one of the columns differs, and the names of those that do.
_DIFFERS = """
    CREATE OR REPLACE TEMP TABLE known_otherwise AS
    SELECT coalesce(now.customer_id, known.customer_id) AS customer_id, known.customer_id IS NULL AS is_first,
        now.customer_id IS NULL AS is_ended, concat_ws(', ', {}) AS what_changed
    FROM marts.customer_360 AS now
    FULL JOIN (FROM state.customer_history WHERE valid_to IS NULL) AS known ON known.customer_id = now.customer_id
    WHERE now.customer_id IS NULL OR known.customer_id IS NULL OR {}
"""
_END = """
    UPDATE state.customer_history SET valid_to = $as_of, ended_by = $build_id, ended_as = CASE
        WHEN NOT known_otherwise.is_ended THEN 'changed'
        WHEN customer_history.customer_id IN (SELECT old_customer_id FROM state.identity_alias) THEN 'merged'
        ELSE 'gone' END
    FROM known_otherwise
    WHERE customer_history.customer_id = known_otherwise.customer_id AND customer_history.valid_to IS NULL
"""
_BEGIN = """
    INSERT INTO state.customer_history BY NAME
    SELECT customer_id, $as_of AS valid_from, CASE WHEN NOT is_first THEN what_changed END AS what_changed,
        $build_id AS build_id, {}
    FROM known_otherwise JOIN marts.customer_360 USING (customer_id)
"""
_FORGET_OLD = "DELETE FROM state.customer_history WHERE valid_to < $as_of - to_days($days)"
# Whoever changes daily fills the versions kept within weeks. What was known when a month began stays besides, one version a
# month at most, for as long as moves between segments are told of (migration.py): else those months would be lost.
_FORGET_MANY = """
    DELETE FROM state.customer_history WHERE rowid IN (
        SELECT rowid FROM (
            SELECT rowid, row_number() OVER (PARTITION BY customer_id ORDER BY build_id DESC) AS place,
                coalesce(date_trunc('month', valid_to - INTERVAL 1 MICROSECOND)
                    >= greatest(valid_from, date_trunc('month', $as_of) - to_months($months)), TRUE) AS began_a_month
            FROM state.customer_history
            WHERE customer_id IN (FROM known_otherwise SELECT customer_id WHERE NOT is_first)
        ) WHERE place > $versions AND NOT began_a_month)
"""
_COUNTS = """
    SELECT count(*) FILTER (is_first), count(*) FILTER (NOT is_first AND NOT is_ended), count(*) FILTER (is_ended)
    FROM known_otherwise
"""

# What stands is the newest of its customer; who has nothing else, nearly everybody, needs no counting.
# Of who objected to profiling what was concluded before is not handed on: they stand there as they are known now.
_HAND_ON = """
    CREATE OR REPLACE TABLE warehouse.customer_360_history AS
    WITH every AS (
        SELECT customer_id, valid_from, valid_to, what_changed, ended_as, build_id, {}, 0 AS place
        FROM state.customer_history WHERE valid_to IS NULL
        UNION ALL
        SELECT customer_id, valid_from, valid_to, what_changed, ended_as, build_id, {},
            row_number() OVER (PARTITION BY customer_id ORDER BY build_id DESC)
        FROM state.customer_history WHERE valid_to IS NOT NULL
            AND customer_id NOT IN (SELECT customer_id FROM marts.customer_360 WHERE profiling_objected)
    )
    SELECT * EXCLUDE (place) FROM every WHERE place < ?
"""


def _add_columns(connection: "duckdb.DuckDBPyConnection", columns: Mapping[str, str]) -> None:
    """Make room for columns that are remembered for the first time, or are of another type than before."""
    found = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns()"
        " WHERE database_name = 'state' AND table_name = 'customer_history'"
    ).fetchall()
    for column, kind in columns.items():
        before = dict(found).get(column)
        if before is None:
            connection.execute(
                sql("ALTER TABLE state.customer_history ADD COLUMN {} {}", name(column), Sql(kind)).text
            )
        elif before != kind:
            _change_type(connection, column, before, kind)


def _change_type(connection: "duckdb.DuckDBPyConnection", column: str, before: str, kind: str) -> None:
    import duckdb

    try:
        connection.execute(
            sql("ALTER TABLE state.customer_history ALTER {} TYPE {}", name(column), Sql(kind)).text
        )
    except duckdb.ConversionException:
        raise BuildError(
            f"The history of {column} holds {before} values that are no {kind}, the type its contract gives now.",
            "Give the column of the new type another name; what was known under the old one stays.",
        ) from None


def _take_back(connection: "duckdb.DuckDBPyConnection", stands: str | None) -> None:
    """Undo what a build wrote whose release nobody ever read."""
    last = connection.execute(_LAST_BUILD).fetchall()
    if not last or stands is None or last[0][1] == stands:
        return
    for statement in _TAKE_BACK:
        connection.execute(statement, {"build_id": last[0][0]})


def _record(
    connection: "duckdb.DuckDBPyConnection", columns: Mapping[str, str], telling: Telling
) -> Recorded:
    now = {"as_of": telling.as_of, "build_id": telling.build_id}
    differing = [sql("now.{} IS DISTINCT FROM known.{}", name(column), name(column)) for column in columns]
    names = [
        sql("CASE WHEN {} THEN {} END", differs, Sql(quote_text(column)))
        for differs, column in zip(differing, columns, strict=True)
    ]
    connection.execute(sql(_DIFFERS, joined(", ", names), joined(" OR ", differing)).text)
    connection.execute(_END, now)
    connection.execute(sql(_BEGIN, _listed(columns)).text, now)
    connection.execute(_FORGET_OLD, {"as_of": telling.as_of, "days": DAYS_KEPT})
    connection.execute(
        _FORGET_MANY, {"versions": VERSIONS_KEPT, "as_of": telling.as_of, "months": MONTHS - 1}
    )
    first, changed, ended = connection.execute(_COUNTS).fetchall()[0]
    return Recorded(first, changed, ended)


def _listed(columns: Mapping[str, str]) -> Sql:
    return joined(", ", (name(column) for column in columns))


def _look_back(as_of: datetime, newest: datetime) -> str:
    return (
        f"This build looks back to {as_of:%Y-%m-%d %H:%M}, before the {newest:%Y-%m-%d %H:%M} that the history of"
        " customers has reached, so it left no row there."
    )
