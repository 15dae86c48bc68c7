"""The database's own clock, which leases go by: the clocks of several dispatchers' machines disagree."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, DateTime, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class _DatabaseNow(FunctionElement[datetime]):
    """The moment by the database's clock, as naive UTC."""

    type = DateTime()
    inherit_cache = True


@compiles(_DatabaseNow, "sqlite")
def _on_sqlite(_element: _DatabaseNow, _compiler: Any, **_: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"  # milliseconds, written as SQLAlchemy writes a DateTime


@compiles(_DatabaseNow, "postgresql")
def _on_postgresql(_element: _DatabaseNow, _compiler: Any, **_: Any) -> str:
    return "(clock_timestamp() AT TIME ZONE 'utc')"


def database_now(connection: Connection) -> datetime:
    """Read the database's clock, as naive UTC."""
    return connection.execute(select(_DatabaseNow())).scalar_one()
