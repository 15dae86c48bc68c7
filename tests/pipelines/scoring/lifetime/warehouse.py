"""A warehouse in which nothing stands but the days on which people ordered, for the step that scores them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.samples.buying import BuyingModel, draw_spend, draw_visits
from pipelines.scoring.lifetime.outcome import LifetimeOrder
from pipelines.scoring.lifetime.score import LifetimeReport, score_lifetime
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.state import attached_state

TABLE = """
    CREATE OR REPLACE TABLE intermediate.int_lifetime__order_days
    (customer_id VARCHAR, ordered_on DATE, order_days INTEGER, own_order_days INTEGER, own_net_minor BIGINT)
"""
COLUMNS = ("customer_id", "ordered_on", "order_days", "own_order_days", "own_net_minor")
Day = tuple[str, date, int, int, int]


@dataclass(frozen=True)
class Warehouse:
    """A folder with a warehouse and what builds remember."""

    folder: Path

    def land(self, days: Iterable[Day] | pa.Table) -> None:
        """Put days with an order where the step reads them, in place of any others."""
        if not isinstance(days, pa.Table):
            columns = list(zip(*days, strict=True)) or [[]] * len(COLUMNS)
            days = pa.table(dict(zip(COLUMNS, map(list, columns), strict=True)))
        with open_warehouse(self.folder / "build.duckdb") as connection:
            connection.execute("CREATE SCHEMA IF NOT EXISTS intermediate")
            connection.execute(TABLE)
            connection.register("days", days)
            connection.execute("INSERT INTO intermediate.int_lifetime__order_days SELECT * FROM days")

    def score(self, as_of: str, currency: str = "GBP") -> LifetimeReport:
        """Score as of a moment."""
        order = LifetimeOrder(datetime.fromisoformat(as_of), currency)
        return score_lifetime(self.folder / "build.duckdb", self.folder / "state.duckdb", order)

    def rows(self, query: str = "SELECT * FROM scoring.lifetime_value ORDER BY 1") -> list[dict[str, Any]]:
        """Read the warehouse; each row by column name."""
        with open_warehouse(self.folder / "build.duckdb", read_only=True) as connection:
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def kept(self) -> list[tuple[Any, ...]]:
        """Read the fits that are kept: when each was made and why, newest last."""
        with (
            open_warehouse(self.folder / "build.duckdb") as connection,
            attached_state(connection, self.folder / "state.duckdb"),
        ):
            query = "SELECT fitted_at, reason, unit FROM state.model_fits ORDER BY 1"
            return connection.execute(query).fetchall()


def drawn_days(people: int, weeks: float, until: date, seed: int = 3) -> list[Day]:
    """Draw customers who began at any time in the `weeks` before a day, from the sample company's buying model."""
    rng = np.random.default_rng(seed)
    model = BuyingModel()
    horizon = rng.uniform(0, weeks, people)
    visits = draw_visits(rng, horizon, model)
    worth = (100 * draw_spend(rng, people, visits.buyer, model)).astype(np.int64)
    ago = np.floor(7 * (horizon[visits.buyer] - visits.week)).astype(np.int64)
    days: dict[tuple[int, int], int] = {}
    for buyer, back, minor in zip(visits.buyer.tolist(), ago.tolist(), worth.tolist(), strict=True):
        days[buyer, back] = days.get((buyer, back), 0) + minor
    return [
        (f"cus_{buyer:06d}", until - timedelta(days=back), 1, 1, minor)
        for (buyer, back), minor in days.items()
    ]
