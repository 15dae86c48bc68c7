"""The step of a build that says what customers will be worth: after dbt's tag `after_identity`, before `after_scoring`.

It writes schema `scoring` of build.duckdb: `lifetime_value`, a row for each buyer, and its row of `model_fits`.
"""

import json
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipelines.scoring.lifetime.bg_nbd import (
    Timing,
    expected_orders,
    probability_left,
    weeks_to_next_order,
)
from pipelines.scoring.lifetime.fits import MODEL, Fit
from pipelines.scoring.lifetime.outcome import LifetimeOrder, Outcome, settle
from pipelines.scoring.lifetime.seen import DAYS, Counted, Watched, count_seen, watched_days
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.state import attached_state, transaction

if TYPE_CHECKING:
    import duckdb

HORIZONS = (90, 365)
FARTHEST_DAYS = 365  # a next order that is further away is not foretold

FUTURE = "Their only orders are dated after the day of this view."
FOREIGN = "They never paid in the company's currency, so their orders have no value in it."
GAVE_BACK = "They gave back as much as they bought, so what their orders are worth cannot be told."
ONCE = "They ordered on one day only: whether they are still with us shows once they have come back."

_TABLES = """
    CREATE SCHEMA IF NOT EXISTS scoring;
    CREATE TABLE IF NOT EXISTS scoring.model_fits (
        model VARCHAR NOT NULL, state VARCHAR NOT NULL, sentence VARCHAR NOT NULL, fitted_at TIMESTAMP,
        data_until DATE, observations BIGINT NOT NULL, parameters JSON, log_likelihood DOUBLE, fit JSON);
"""

# A row for each buyer, whatever is known of them: `note` says why a value is missing, or what it rests on.
_VALUES = """
    CREATE OR REPLACE TABLE scoring.lifetime_value AS
    WITH buyers AS (
        SELECT *, ($last + days_to_order::INTEGER)::DATE AS next_order, CASE WHEN paid_days > 0 AND paid_minor > 0
            THEN $p * ($v + paid_minor) / ($p * paid_days + $q - 1) END AS order_minor
        FROM lifetime_seen LEFT JOIN histories USING (frequency, recency_days, age_days)
    )
    SELECT
        customer_id,
        CASE WHEN frequency > 0 THEN 1 - probability_left END AS probability_alive,
        orders_90 AS expected_orders_90d,
        orders_365 AS expected_orders_365d,
        CASE WHEN orders_90 IS NOT NULL THEN round(order_minor)::BIGINT END AS expected_order_minor,
        round(orders_90 * order_minor)::BIGINT AS value_90d_minor,
        round(orders_365 * order_minor)::BIGINT AS value_365d_minor,
        CASE WHEN next_order >= $day THEN next_order END AS next_order_expected_at,
        nullif(concat_ws(' ', CASE
            WHEN frequency < 0 THEN $future
            WHEN orders_90 IS NULL THEN $refused
            WHEN paid_days = 0 THEN $foreign
            WHEN paid_minor <= 0 THEN $gave_back
            WHEN order_minor IS NULL THEN $no_worth
            WHEN frequency = 0 THEN $once
        END, CASE WHEN orders_90 IS NOT NULL THEN $stale END), '') AS note
    FROM buyers
    ORDER BY customer_id
"""

_FORGET = "DELETE FROM scoring.model_fits WHERE model = $model"
_TELL = """
    INSERT INTO scoring.model_fits VALUES (
        $model, $state, $sentence, $fitted_at, $data_until, $observations, $parameters, $log_likelihood, $fit)
"""


@dataclass(frozen=True)
class LifetimeReport:
    """What became of the step: `state` is fitted, kept or refused; `customers` of whom `scored` have a forecast."""

    state: str
    sentence: str
    customers: int
    scored: int
    fit: Fit | None
    stale: str | None = None

    @property
    def notes(self) -> list[str]:
        """Give what readers of a release should know: that nobody has a number, or that all are old."""
        refused = [self.sentence] if self.state == "refused" else []
        return [*refused, *([self.stale] if self.scored and self.stale else [])]

    def to_document(self) -> dict[str, Any]:
        """Give it as plain data, for metadata and `--json`."""
        return {
            "state": self.state,
            "sentence": self.sentence,
            "customers": self.customers,
            "scored": self.scored,
            "learnt": self.fit.learnt.to_document() if self.fit else None,
            "checks": dict(self.fit.checks) if self.fit else None,
        }


def score_lifetime(
    build: "duckdb.DuckDBPyConnection | Path", state_path: Path, order: LifetimeOrder
) -> LifetimeReport:
    """Say of each buyer whether they are still with us, and what they will order and spend.

    `build` is the file, or a connection whose current catalog it is; dbt's connections to it have to be closed.
    Run it again at the same moment over the same orders, and every number is the same.
    """
    with (
        open_warehouse(build) if isinstance(build, Path) else nullcontext(build) as connection,
        attached_state(connection, state_path),
    ):
        day = order.as_of.date()
        watched = watched_days(connection, day)
        counted = count_seen(connection, watched.last if watched else day)
        outcome = settle(connection, order, watched, counted)
        with transaction(connection):
            connection.execute(_TABLES)
            _write_values(connection, outcome, counted, watched, day)
            _tell(connection, outcome, counted)
        return _report(connection, outcome, _stale(watched))


def _write_values(
    connection: "duckdb.DuckDBPyConnection",
    outcome: Outcome,
    counted: Counted,
    watched: Watched | None,
    day: date,
) -> None:
    learnt = outcome.fit.learnt if outcome.fit else None
    worth = learnt.worth if learnt else None
    connection.register("histories", _histories(counted, learnt.timing if learnt else None))
    values = {
        "p": worth.p if worth else None,
        "q": worth.q if worth else None,
        "v": worth.v if worth else None,
        "last": watched.last if watched else day,
        "day": day,
        "future": FUTURE,
        "refused": outcome.sentence,
        "foreign": FOREIGN,
        "gave_back": GAVE_BACK,
        "no_worth": f"No value: {learnt.no_worth}." if learnt else None,
        "once": ONCE,
        "stale": _stale(watched),
    }
    connection.execute(_VALUES, values)
    connection.unregister("histories")


def _stale(watched: Watched | None) -> str | None:
    return (
        f"Stale: no order has come in since {watched.last}, so this is how things stood then."
        if watched and watched.is_stale
        else None
    )


def _histories(counted: Counted, timing: Timing | None) -> pa.Table:
    """Give what is foretold for each distinct history; nothing where there is no model."""
    history = counted.history
    columns: dict[str, Any] = {
        "frequency": history.frequency,
        "recency_days": counted.recency_days,
        "age_days": counted.age_days,
    }
    names = ("probability_left", *(f"orders_{days}" for days in HORIZONS), "days_to_order")
    if timing is None:
        return pa.table(columns | {name: pa.nulls(len(history), pa.float64()) for name in names})
    seen = history.frequency, history.recency, history.age
    days = np.ceil(DAYS * weeks_to_next_order(timing, *seen))
    numbers = [
        probability_left(timing, *seen),
        *(expected_orders(timing, *seen, horizon / DAYS) for horizon in HORIZONS),
        pa.array(days, mask=~(days <= FARTHEST_DAYS)),
    ]
    return pa.table(columns | dict(zip(names, numbers, strict=True)))


def _tell(connection: "duckdb.DuckDBPyConnection", outcome: Outcome, counted: Counted) -> None:
    fit = outcome.fit
    row = {
        "model": MODEL,
        "state": outcome.state,
        "sentence": outcome.sentence,
        "fitted_at": fit.fitted_at if fit else None,
        "data_until": fit.data_until if fit else None,
        "observations": counted.history.total,
        "parameters": json.dumps(fit.learnt.to_document()) if fit else None,
        "log_likelihood": fit.learnt.timing_log_likelihood if fit else None,
        "fit": json.dumps(dict(fit.checks)) if fit else None,
    }
    connection.execute(_FORGET, {"model": MODEL})
    connection.execute(_TELL, row)


def _report(connection: "duckdb.DuckDBPyConnection", outcome: Outcome, stale: str | None) -> LifetimeReport:
    query = "SELECT count(*), count(expected_orders_90d) FROM scoring.lifetime_value"
    customers, scored = connection.execute(query).fetchall()[0]
    return LifetimeReport(outcome.state, outcome.sentence, customers, scored, outcome.fit, stale)
