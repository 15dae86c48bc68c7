"""state.duckdb: what builds remember, such as which customer each record was given to.

It cannot be derived again, so a full build never drops it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.errors import BuildError

if TYPE_CHECKING:
    import duckdb

# Numbered from 1, applied in order and once; add at the end, never change one that was released.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE state.customers (customer_id VARCHAR NOT NULL, born_at TIMESTAMP NOT NULL)",
        """
        CREATE TABLE state.record_customer
        (source VARCHAR NOT NULL, source_record_id VARCHAR NOT NULL, customer_id VARCHAR NOT NULL)
        """,
        """
        CREATE TABLE state.identity_alias
        (old_customer_id VARCHAR NOT NULL, customer_id VARCHAR NOT NULL, "at" TIMESTAMP NOT NULL,
        reason VARCHAR NOT NULL)
        """,
    ),
    (
        # what the numbering plans say of each phone number, which costs 50 us a number to ask (phones.py)
        """
        CREATE TABLE state.phones
        (phone VARCHAR NOT NULL, canonical VARCHAR NOT NULL, validity VARCHAR NOT NULL, kind VARCHAR NOT NULL,
        country VARCHAR, checked_with VARCHAR NOT NULL)
        """,
    ),
    (
        # whose a record was before its customer was merged into another: a split gives that id back
        """
        CREATE TABLE state.former_customer
        (source VARCHAR NOT NULL, source_record_id VARCHAR NOT NULL, customer_id VARCHAR NOT NULL)
        """,
        """
        CREATE TABLE state.identity_journal
        ("at" TIMESTAMP NOT NULL, build_id VARCHAR NOT NULL, kind VARCHAR NOT NULL, customer_id VARCHAR NOT NULL,
        other_customer_id VARCHAR, records BIGINT NOT NULL, cause VARCHAR NOT NULL, detail JSON)
        """,
        # by what the last build resolved: what differs from it is the cause of what changes
        "CREATE TABLE state.last_build (build_id VARCHAR NOT NULL, policy VARCHAR NOT NULL)",
        """
        CREATE TABLE state.last_decisions
        (decision_id VARCHAR NOT NULL, source VARCHAR NOT NULL, source_record_id VARCHAR NOT NULL)
        """,
    ),
    (
        # records that were nobody's in the last build: when they come back, they take no id from who stayed
        "CREATE TABLE state.absent_record (source VARCHAR NOT NULL, source_record_id VARCHAR NOT NULL)",
    ),
    (
        # what was known of each customer and when (publishing/history.py); a column a remembered one follows when it is
        # first published
        """
        CREATE TABLE state.customer_history
        (customer_id VARCHAR NOT NULL, valid_from TIMESTAMP NOT NULL, valid_to TIMESTAMP, what_changed VARCHAR,
        ended_as VARCHAR, build_id VARCHAR NOT NULL, ended_by VARCHAR)
        """,
        """
        CREATE TABLE state.history_builds
        (build_id VARCHAR NOT NULL, as_of TIMESTAMP NOT NULL, version VARCHAR NOT NULL, is_recorded BOOLEAN NOT NULL)
        """,
    ),
    (
        # what was learnt of customers, and how well it foretold (scoring/kept_fits.py)
        """
        CREATE TABLE state.model_fits
        (model VARCHAR NOT NULL, unit VARCHAR NOT NULL, version INTEGER NOT NULL, fitted_at TIMESTAMP NOT NULL,
        data_until DATE NOT NULL, customers BIGINT NOT NULL, sentence VARCHAR NOT NULL, reason VARCHAR NOT NULL,
        learnt JSON NOT NULL, checks JSON NOT NULL)
        """,
    ),
    (
        # how common names and places were when that was counted last (identity/linking/frequencies.py)
        "CREATE TABLE state.link_frequencies (kind VARCHAR NOT NULL, value UBIGINT, counted BIGINT NOT NULL)",
    ),
)


@contextmanager
def attached_state(connection: "duckdb.DuckDBPyConnection", path: Path) -> Iterator[None]:
    """Attach state.duckdb as `state` for the length of the block, at this version's schema.

    Raises BuildError when a newer version of Rapport wrote it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    quoted = str(path).replace("'", "''")
    connection.execute(f"ATTACH '{quoted}' AS state")  # ATTACH takes no bound parameter
    try:
        _migrate(connection)
        yield
    finally:
        connection.execute("DETACH state")


@contextmanager
def transaction(connection: "duckdb.DuckDBPyConnection") -> Iterator[None]:
    """Commit all of the block or, if it fails or the process dies, none of it."""
    connection.execute("BEGIN TRANSACTION")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _migrate(connection: "duckdb.DuckDBPyConnection") -> None:
    with transaction(connection):
        connection.execute("CREATE TABLE IF NOT EXISTS state.schema_migrations (number INTEGER NOT NULL)")
        rows = connection.execute("SELECT coalesce(max(number), 0) FROM state.schema_migrations").fetchall()
        done = rows[0][0]
        if done > len(MIGRATIONS):
            raise BuildError(
                f"state.duckdb is at schema {done}, newer than this version's {len(MIGRATIONS)}.",
                "Install the version of Rapport that wrote it, or a newer one.",
            )
        for number, statements in enumerate(MIGRATIONS[done:], start=done + 1):
            for statement in statements:
                connection.execute(statement)
            connection.execute("INSERT INTO state.schema_migrations VALUES (?)", [number])
