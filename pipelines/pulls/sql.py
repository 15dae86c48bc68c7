"""Databases through dlt: any that SQLAlchemy knows, in Arrow batches, from a cursor column's value on."""

from collections.abc import Generator
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import dlt
import pyarrow as pa
import pyarrow.compute as pc
from dlt.sources.sql_database import sql_table
from sqlalchemy import (
    Column,
    Date,
    DateTime,
    Engine,
    MetaData,
    Select,
    String,
    Table,
    create_engine,
    event,
    inspect,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.types import NullType

from data_contracts.errors import SettingsError
from messaging.settings import Settings
from pipelines.pulls.deliveries import Batch
from pipelines.pulls.files import SqlPull
from pipelines.pulls.marks import Form, Mark, mark_of_column
from pipelines.pulls.reaching import refuse_strangers_in_demo
from pipelines.pulls.secrets import secret_names, with_secrets
from pipelines.pulls.streams import Stream, begin_of, overlap_of

CHUNK_ROWS = 10_000
QUERY = "pulled"  # what the company's own query is called in ours


def sql_stream(settings: Settings, plan: SqlPull) -> Stream:
    """Build the stream of a table, view or query. Raises SettingsError where the url or its secret is wrong."""
    keys = secret_names(plan.url)
    try:
        url = make_url(with_secrets(settings, plan.url))
        engine = create_engine(url)
        event.listen(engine, "connect", partial(_in_utc, url.get_backend_name()))
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise SettingsError(
            f"{' and '.join(keys) or 'The url'} makes no address of a database ({type(error).__name__}).",
            "Write it like postgresql+psycopg://reader:...@host/shop, and install the driver that it names.",
        ) from None
    refuse_strangers_in_demo(settings, url.host or "")
    form: Form = "number" if isinstance(plan.begin, int) else "iso"
    return Stream(
        name=plan.table or QUERY,
        asked=url.host or url.get_backend_name(),
        keys=keys,
        overlap=overlap_of(plan.overlap),
        begin=begin_of(plan.begin, form),
        tables=plan.tables,
        form=form,
        read=partial(_read, engine, plan),
    )


def _in_utc(backend: str, connection: Any, _: object) -> None:
    """Have the session speak UTC, so that a moment without a zone that we compare with means what it says."""
    statements = {
        "postgresql": "SET TIME ZONE 'UTC'",
        "mysql": "SET time_zone = '+00:00'",
        "mariadb": "SET time_zone = '+00:00'",
    }
    if backend in statements:
        cursor = connection.cursor()
        cursor.execute(statements[backend])
        cursor.close()
        connection.commit()


def _read(engine: Engine, plan: SqlPull, since: Mark | None) -> Generator[Batch, None, None]:
    try:
        table = _query(engine, plan) if plan.query else _table(engine, plan)
        yield from _batches(engine, plan, table, since)
    finally:
        engine.dispose()


def _batches(engine: Engine, plan: SqlPull, table: Table, since: Mark | None) -> Generator[Batch, None, None]:
    incremental: Any = None
    if plan.cursor:
        column = _cursor_column(plan, table)
        incremental = dlt.sources.incremental(
            plan.cursor,
            initial_value=_as_column(column, since),
            on_cursor_value_missing="include",  # a row without a cursor comes every time, rather than never
        )
    resource = sql_table(
        engine,
        table=table.name,
        metadata=table.metadata,
        incremental=incremental,
        chunk_size=CHUNK_ROWS,
        backend="pyarrow",
        query_adapter_callback=partial(_with_query, plan.query) if plan.query else None,
    )
    for rows in resource:
        if isinstance(rows, pa.Table):
            yield Batch(rows, mark_of_column(pc.max(rows[plan.cursor]).as_py()) if plan.cursor else None)


def _table(engine: Engine, plan: SqlPull) -> Table:
    schema = plan.schema_ or None
    inspector = inspect(engine)
    known = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    if plan.table not in known:
        listed = ", ".join(sorted(known)[:12]) or "none"
        raise SettingsError(f"The database has no table {plan.table}.", f"It has {listed}.")
    return Table(plan.table, MetaData(schema=schema), autoload_with=engine, resolve_fks=False)


def _query(engine: Engine, plan: SqlPull) -> Table:
    """Give the company's query as a table: its columns, of which the types come with the rows."""
    query = plan.query.strip().rstrip(";")
    with engine.connect() as connection:
        names = connection.execute(text(f"SELECT * FROM ({query}) AS {QUERY} WHERE 1 = 0")).keys()  # noqa: S608 - the query is the company's own
    return Table(QUERY, MetaData(), *(Column(name, NullType()) for name in names))


def _with_query(query: str, select: Select[Any], *_: object) -> Select[Any]:
    inner = text(query.strip().rstrip(";")).columns().cte(QUERY)
    return select.add_cte(inner)


def _cursor_column(plan: SqlPull, table: Table) -> Column[Any]:
    if plan.cursor not in table.c:
        raise SettingsError(
            f"{plan.table or 'The query'} has no column {plan.cursor}, which is to be its cursor.",
            f"It has {', '.join(table.c.keys()[:12])}.",
        )
    column: Column[Any] = table.c[plan.cursor]
    return column


def _as_column(column: Column[Any], mark: Mark | None) -> Any:
    """Give a mark as the column's own type compares it."""
    if not isinstance(mark, datetime):
        return mark
    if isinstance(column.type, DateTime):
        return mark.replace(tzinfo=UTC) if column.type.timezone else mark
    if isinstance(column.type, Date):
        return date(mark.year, mark.month, mark.day)
    return mark.isoformat(sep=" ") if isinstance(column.type, String) else mark
