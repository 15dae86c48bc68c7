"""Splink on our connection, without a trace in the warehouse."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb
    from splink import DuckDBAPI

_CATALOG = "linking_scratch"


@contextmanager
def splink_session(connection: "duckdb.DuckDBPyConnection") -> Iterator["DuckDBAPI"]:
    """Give Splink a database in memory for its tables, which vanish afterwards.

    Splink writes ordinary tables with names of its own; in build.duckdb they would be there for ever. Our
    temporary tables are seen from every database.
    """
    from splink import DuckDBAPI

    logger = logging.getLogger("splink")  # its warnings name levels that were not seen; the model has a floor
    level = logger.level
    logger.setLevel(logging.ERROR)
    before = connection.execute("SELECT current_database(), current_schema()").fetchall()[0]
    connection.execute(f"ATTACH ':memory:' AS {_CATALOG}")
    connection.execute(f"USE {_CATALOG}")
    try:
        yield DuckDBAPI(connection)
    finally:
        logger.setLevel(level)
        connection.execute(f'USE "{before[0]}"."{before[1]}"')
        connection.execute(f"DETACH {_CATALOG}")
