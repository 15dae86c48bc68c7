"""What is different from the release before: people, money, and who moved from one group to another.

Sums close: the people of now are those of before, with the new ones and those split off, without those merged and gone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from data_contracts.sql import name, sql
from pipelines.publishing.pointer import Pointer
from pipelines.warehouse.connection import open_warehouse, quote_text

GROUPS = ("rfm_segment", "vip_tier", "churn_level", "lifecycle_stage")  # as far as both releases have them
VIEW = "customer_360"


@dataclass(frozen=True)
class PeopleChanges:
    """Customers: `now` = `before` + `new` + `split` - `merged` - `gone`."""

    before: int
    now: int
    new: int
    split: int
    merged: int
    gone: int

    @property
    def closes(self) -> bool:
        """Say whether nobody is lost or counted twice."""
        return self.now == self.before + self.new + self.split - self.merged - self.gone


@dataclass(frozen=True)
class MoneyChanges:
    """Net revenue of all order lines in one currency, in its minor units, and how many orders there are."""

    currency: str
    before_minor: int
    now_minor: int
    before_orders: int
    now_orders: int

    @property
    def more_minor(self) -> int:
        """Give what came in since, less what went back."""
        return self.now_minor - self.before_minor

    @property
    def more_orders(self) -> int:
        """Give how many orders are new."""
        return self.now_orders - self.before_orders


@dataclass(frozen=True)
class Move:
    """How many people are in another group of a column now; None is no group."""

    was: str | None
    now: str | None
    people: int


@dataclass(frozen=True)
class ReleaseChanges:
    """What differs from the release `since`; `moves` are by column, the largest first."""

    since: str
    people: PeopleChanges
    money: tuple[MoneyChanges, ...]
    moves: Mapping[str, tuple[Move, ...]] = field(default_factory=dict)
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """Give the changes as plain data."""
        return {
            "since": self.since,
            "people": {**asdict(self.people), "closes": self.people.closes},
            "money": [
                {**asdict(item), "more_minor": item.more_minor, "more_orders": item.more_orders}
                for item in self.money
            ],
            "moves": {column: [asdict(move) for move in moves] for column, moves in self.moves.items()},
            "columns_added": list(self.columns_added),
            "columns_removed": list(self.columns_removed),
        }


_PEOPLE = """
    WITH came AS (
        SELECT customer_id, customer_id IN (
            SELECT customer_id FROM identity.identity_journal WHERE kind = 'split' AND "at" >= $since) AS is_split
        FROM marts.customer_360 ANTI JOIN earlier.customer_360 USING (customer_id)
    ),
    went AS (
        SELECT customer_id, customer_id IN (SELECT old_customer_id FROM identity.identity_alias) AS is_merged
        FROM earlier.customer_360 ANTI JOIN marts.customer_360 USING (customer_id)
    )
    SELECT
        (SELECT count(*) FROM earlier.customer_360), (SELECT count(*) FROM marts.customer_360),
        (SELECT count(*) FILTER (NOT is_split) FROM came), (SELECT count(*) FILTER (is_split) FROM came),
        (SELECT count(*) FILTER (is_merged) FROM went), (SELECT count(*) FILTER (NOT is_merged) FROM went)
"""

_MONEY = """
    WITH lines AS (
        SELECT currency, net_amount_minor AS before_minor, 0 AS now_minor FROM earlier.order_lines
        UNION ALL SELECT currency, 0, net_amount_minor FROM marts.order_lines
    ),
    taken AS (
        SELECT currency, 1 AS before_orders, 0 AS now_orders FROM earlier.orders
        UNION ALL SELECT currency, 0, 1 FROM marts.orders
    )
    SELECT currency, coalesce(before_minor, 0)::BIGINT, coalesce(now_minor, 0)::BIGINT,
        coalesce(before_orders, 0)::BIGINT, coalesce(now_orders, 0)::BIGINT
    FROM (SELECT currency, sum(before_minor) AS before_minor, sum(now_minor) AS now_minor FROM lines GROUP BY ALL)
    FULL JOIN (
        SELECT currency, sum(before_orders) AS before_orders, sum(now_orders) AS now_orders FROM taken GROUP BY ALL
    ) USING (currency)
    WHERE currency IS NOT NULL
    ORDER BY currency
"""

_MOVES = """
    SELECT earlier.{}, now.{}, count(*) AS people
    FROM earlier.customer_360 AS earlier JOIN marts.customer_360 AS now USING (customer_id)
    WHERE earlier.{} IS DISTINCT FROM now.{}
    GROUP BY ALL
    ORDER BY people DESC, 1 NULLS FIRST, 2 NULLS FIRST
"""

_COLUMNS = """
    SELECT column_name FROM duckdb_columns() WHERE database_name = ? AND schema_name = ? AND table_name = ?
    ORDER BY column_index
"""


def compare(build_path: Path, releases_dir: Path, before: Pointer | None) -> ReleaseChanges | None:
    """Compare what is about to be published with the release before; None where there is none that can be read."""
    path = releases_dir / before.file if before else None
    if before is None or path is None or not path.exists():
        return None
    with open_warehouse(build_path, read_only=True) as connection:
        try:
            connection.execute(f"ATTACH {quote_text(str(path))} AS earlier (READ_ONLY)")
        except duckdb.Error:
            return None  # a damaged file, or one of a DuckDB that we do not read: there is nothing to compare with
        return _compare(connection, before)


def _compare(connection: duckdb.DuckDBPyConnection, before: Pointer) -> ReleaseChanges | None:
    earlier, now = _columns(connection, "earlier", "main"), _columns(connection, "c360", "marts")
    if not earlier:
        return None
    people = connection.execute(_PEOPLE, {"since": before.as_of}).fetchall()[0]
    money = connection.execute(_MONEY).fetchall()
    groups = [group for group in GROUPS if group in earlier and group in now]
    return ReleaseChanges(
        since=before.version,
        people=PeopleChanges(*people),
        money=tuple(MoneyChanges(*row) for row in money),
        moves={group: tuple(_moves(connection, group)) for group in groups},
        columns_added=tuple(column for column in now if column not in earlier),
        columns_removed=tuple(column for column in earlier if column not in now),
    )


def _columns(connection: duckdb.DuckDBPyConnection, database: str, schema: str) -> list[str]:
    return [row[0] for row in connection.execute(_COLUMNS, [database, schema, VIEW]).fetchall()]


def _moves(connection: duckdb.DuckDBPyConnection, group: str) -> Iterator[Move]:
    query = sql(_MOVES, *[name(group)] * 4)
    return (Move(*row) for row in connection.execute(query.text).fetchall())
