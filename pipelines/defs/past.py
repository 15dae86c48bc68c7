"""The warehouse of a past day: what the last build had loaded, as far as it had happened by then.

A past day is built beside what stands, so that nothing which stands is touched: in a warehouse of its own, which lasts as
long as the build. In it are the landed records up to the moment, late ones among them; who is whom, as is known today,
of those who had done something by then; and the history and fits that builds had left by then.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from data_contracts.errors import BuildError, UsageError
from data_contracts.sql import Sql, joined, name, sql, value
from messaging.settings import Settings
from pipelines.warehouse.connection import open_warehouse, quote_text
from pipelines.warehouse.state import attached_state

if TYPE_CHECKING:
    from pipelines.defs.session import BuildSession

FOLDER = "past"
AS_TODAY = ("products",)  # a catalogue is dated when it was exported, not when its products came to be
TAKEN = (
    "identity",
    "store",
    "scoring",
)  # schemas that are no dbt's, and come over as the last build left them
NOTES = """
This release tells of {moment} UTC, from the records up to then that the last build had loaded, however late they came.
Who is whom, the products on offer, consents, and what a record says of its own end (a parcel delivered, a ticket solved) are as they are known today.
The history of customers is what builds told by then. This one adds nothing to it, so months in which no build ran stay empty in metric_rfm_migration.
""".strip()  # noqa: E501 a sentence a line


class PastSettings(Settings):
    """The settings of an installation with another warehouse; `past` is the folder that it lies in."""

    past: Path

    @property
    def build_path(self) -> Path:
        """The warehouse of the day."""
        return self.past / "build.duckdb"

    @property
    def state_path(self) -> Path:
        """What builds had remembered by then."""
        return self.past / "state.duckdb"


@contextmanager
def past_warehouse(session: "BuildSession") -> Iterator[None]:
    """Let the session build in a warehouse of its moment, which goes when the build has ended.

    Raises BuildError where nothing has been built yet, and UsageError where no record is as old.
    """
    settings, folder = session.settings, session.settings.build_path.parent / FOLDER
    shutil.rmtree(folder, ignore_errors=True)  # of a build that was killed; we hold the lock
    folder.mkdir(parents=True)
    try:
        with session.stage("what had happened by then") as stage:
            past = PastSettings.model_construct(**dict(settings), past=folder)
            stage.rows = _fill(settings, past, session.as_of)
        session.settings = past
        session.notes += NOTES.format(moment=f"{session.as_of:%Y-%m-%d %H:%M}").splitlines()
        yield
    finally:
        session.settings = settings
        shutil.rmtree(folder, ignore_errors=True)


def _fill(settings: Settings, past: PastSettings, as_of: datetime) -> int:
    """Make both files of the day; gives how many records had come to pass."""
    if not settings.build_path.exists():
        raise BuildError(
            "Nothing has been built yet, and a past day is told from what the last build loaded.",
            "Run `rapport build` first.",
        )
    with open_warehouse(past.build_path) as connection:
        connection.execute(f"ATTACH {quote_text(str(settings.build_path))} AS built (READ_ONLY)")
        for schema in ("landing", *TAKEN, "warehouse"):
            connection.execute(sql("CREATE SCHEMA {}", name(schema)).text)
        records = _take_records(connection, as_of)
        _take_people(connection)
        connection.execute("DETACH built")
        with attached_state(connection, past.state_path):
            connection.execute(f"ATTACH {quote_text(str(settings.state_path))} AS remembered (READ_ONLY)")
            for statement in _STATE:
                connection.execute(statement, {"as_of": as_of})
            connection.execute("DETACH remembered")
    return records


def _take_records(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> int:
    """Take the landed records up to the moment, and the catalogue."""
    landed, records = _tables(connection, "landing"), 0
    for table in landed:
        kept = Sql("true") if table in AS_TODAY else sql("coalesce(occurred_at <= {}, true)", value(as_of))
        query = sql(
            "CREATE TABLE landing.{} AS FROM built.landing.{} WHERE {}", name(table), name(table), kept
        )
        connection.execute(query.text, query.bound)
        if table not in AS_TODAY:
            rows = connection.execute("SELECT count(*) FROM query_table(?)", [f"landing.{table}"]).fetchall()
            records += int(rows[0][0])
    if not records:
        raise UsageError(
            f"No record is of {as_of:%Y-%m-%d %H:%M} UTC or before: there is nothing to tell of then.",
            "Give a later day.",
        )
    of_files = joined(
        " UNION ALL ",
        (
            sql("SELECT {} AS table_name, landing_id FROM landing.{}", value(table), name(table))
            for table in landed
        ),
    )
    query = sql(_FILES, of_files)
    connection.execute(query.text, query.bound)
    return records


# What the release lists as its files: those with a record of the time, by how many they have.
_FILES = """
    CREATE TABLE warehouse.loaded_landings AS
    SELECT files.* REPLACE (taken.rows AS rows)
    FROM built.warehouse.loaded_landings AS files
    JOIN (SELECT table_name, landing_id, count(*) AS rows FROM ({}) GROUP BY ALL) AS taken USING (table_name, landing_id)
"""


def _take_people(connection: duckdb.DuckDBPyConnection) -> None:
    """Take who is whom of those who had done something by then, and what the last build left beside its models."""
    records = joined(
        " UNION ",
        (
            sql("SELECT source, source_record_id FROM landing.{}", name(table))
            for table in _tables(connection, "landing")
        ),
    )
    connection.execute(
        sql(
            "CREATE TABLE identity.identity_map AS FROM built.identity.identity_map SEMI JOIN ({})"
            " USING (source, source_record_id)",
            records,
        ).text
    )
    for schema in TAKEN:
        for table, columns in _tables(connection, schema).items():
            if (schema, table) == ("identity", "identity_map"):
                continue
            then = Sql(
                "SEMI JOIN identity.identity_map USING (customer_id)" if "customer_id" in columns else ""
            )
            place = sql("{}.{}", name(schema), name(table))
            connection.execute(sql("CREATE TABLE {} AS FROM built.{} {}", place, place, then).text)
    connection.execute("CREATE TABLE warehouse.contract_results AS FROM built.warehouse.contract_results")


def _tables(connection: duckdb.DuckDBPyConnection, schema: str) -> dict[str, set[str]]:
    """Give the tables of a schema of the last build, and the columns of each."""
    found = connection.execute(
        "SELECT table_name, list(column_name) FROM duckdb_columns()"
        " WHERE database_name = 'built' AND schema_name = ? GROUP BY table_name ORDER BY table_name",
        [schema],
    ).fetchall()
    return {table: set(columns) for table, columns in found}


# What was known by then ends where a later build ended it: as yet it stands.
_STATE = (
    """
    CREATE OR REPLACE TABLE state.customer_history AS
    SELECT * REPLACE (
        CASE WHEN valid_to <= $as_of THEN valid_to END AS valid_to,
        CASE WHEN valid_to <= $as_of THEN ended_as END AS ended_as,
        CASE WHEN valid_to <= $as_of THEN ended_by END AS ended_by)
    FROM remembered.customer_history WHERE valid_from <= $as_of
    """,
    "CREATE OR REPLACE TABLE state.history_builds AS FROM remembered.history_builds WHERE as_of <= $as_of",
    "CREATE OR REPLACE TABLE state.model_fits AS FROM remembered.model_fits WHERE fitted_at <= $as_of",
)
