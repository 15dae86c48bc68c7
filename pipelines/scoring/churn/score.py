"""The step of a build that says who is about to leave: after dbt's tag `after_identity`, before `after_scoring`.

Whoever makes no order within `horizon` days counts as gone: four of five gaps between orders end by then. Where there is
history enough, the chance of that is learnt from what people did after a day in the past; else rules say it. What is
learnt changes with the week, on Mondays, and not with the day or with what comes late: a Monday's model is kept for its
week, unless there are many more or fewer buyers by then (`kept_fits.GROWTH`).

It writes schema `scoring` of build.duckdb: `churn`, a row for each buyer, and its row of `model_fits`.
"""

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_contracts.sql import Sql
from pipelines.scoring.churn import rules
from pipelines.scoring.churn.features import (
    NAMES,
    REASON_OF,
    SERVICE,
    Floats,
    Known,
    features,
    read_known,
    read_rhythms,
    usual_gap,
)
from pipelines.scoring.churn.fits import MODEL, Learnt, Rhythm, keep_of_week, kept_of_week
from pipelines.scoring.churn.logistic import cross_fit, fit_logistic
from pipelines.scoring.lifetime.seen import watched_days
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.state import attached_state

if TYPE_CHECKING:
    import duckdb

HIGH, MEDIUM = 0.7, 0.4
SHORTEST, LONGEST, USUAL = 30.0, 365.0, 180.0  # days of the horizon; USUAL where gaps are too few to tell
FEWEST_GAPS, FEWEST_PEOPLE, FEWEST_OUTCOMES = 50, 500, 100  # ten outcomes a feature (Peduzzi et al., 1996)
LEAST_AUC, MOST_ERROR = 0.6, 0.05
MOST_PEOPLE = 200_000  # of whom is learnt: the tenth digit of a weight is nobody's business
WORTH_TELLING = 0.1  # of log-odds, or of points
SERVICE_AT = tuple(NAMES.index(name) for name in SERVICE)

_GAPS = """
    SELECT count(*), quantile_cont(gap, 0.8), median(gap) FROM (
        SELECT epoch(began_at - lag(began_at) OVER (PARTITION BY customer_id ORDER BY began_at)) / 86400 AS gap
        FROM intermediate.int_churn__signals WHERE kind = 'order' AND began_at <= $moment
    ) WHERE gap IS NOT NULL
"""
_FIRST = (
    "SELECT min(began_at) FROM intermediate.int_churn__signals WHERE kind = 'order' AND began_at <= $moment"
)
_ORDERS = Sql(
    "(SELECT began_at::DATE AS ordered_on, 1 AS order_days FROM intermediate.int_churn__signals WHERE kind = 'order')"
)
_FITS = """
    CREATE TABLE IF NOT EXISTS scoring.model_fits (
        model VARCHAR NOT NULL, state VARCHAR NOT NULL, sentence VARCHAR NOT NULL, fitted_at TIMESTAMP,
        data_until DATE, observations BIGINT NOT NULL, parameters JSON, log_likelihood DOUBLE, fit JSON);
"""


@dataclass(frozen=True)
class ChurnReport:
    """What became of the step: `method` is calibrated or rules; `sentence` says from what, or why not learnt."""

    method: str
    sentence: str
    customers: int
    horizon_days: float
    fit: dict[str, Any] | None

    def to_document(self) -> dict[str, Any]:
        """Give it as plain data, for metadata and `--json`."""
        return asdict(self)


def score_churn(
    build: "duckdb.DuckDBPyConnection | Path", as_of: datetime, state_path: Path | None = None
) -> ChurnReport:
    """Make `scoring.churn` as of a moment (naive UTC), from int_churn__signals.

    `build` is build.duckdb, or a connection whose current catalog it is. What is learnt stays in the state that
    `state_path` names for as long as its week lasts; without one it is learnt each time.
    """
    with open_warehouse(build) if isinstance(build, Path) else nullcontext(build) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS scoring")
        until = _known_until(connection, as_of)
        known = read_known(connection, until)
        rhythm, learnt = _settle(connection, _monday(until), len(known), state_path)
        table = _table(known, read_rhythms(connection, until), rhythm, learnt)
        connection.register("churn_found", table)
        connection.execute("CREATE OR REPLACE TABLE scoring.churn AS FROM churn_found")
        connection.unregister("churn_found")
        report = _report(known, rhythm, learnt)
        _tell(connection, report, learnt, as_of)
    return report


def _known_until(connection: "duckdb.DuckDBPyConnection", as_of: datetime) -> datetime:
    """Give the moment of which we know the orders: `as_of`, or the end of the last order's day where a shop fell silent.

    Otherwise everybody would seem to leave as soon as a source stops delivering.
    """
    watched = watched_days(connection, as_of.date(), _ORDERS)
    if watched is None or not watched.is_stale:
        return as_of
    return datetime.combine(watched.last + timedelta(days=1), time.min)


def _monday(as_of: datetime) -> datetime:
    return datetime(as_of.year, as_of.month, as_of.day) - timedelta(days=as_of.weekday())


def _settle(
    connection: "duckdb.DuckDBPyConnection", monday: datetime, buyers: int, state_path: Path | None
) -> tuple[Rhythm, Learnt | str]:
    """Take what was learnt of the week, or learn; what nothing can be learnt from is asked again in every build."""
    state: AbstractContextManager[None] = (
        attached_state(connection, state_path) if state_path else nullcontext()
    )
    with state:
        kept = kept_of_week(connection, monday, buyers) if state_path else None
        if kept:
            return kept
        rhythm = read_rhythm(connection, monday)
        learnt = learn(connection, monday, rhythm)
        if state_path and isinstance(learnt, Learnt):
            keep_of_week(connection, rhythm, learnt, buyers)
    return rhythm, learnt


def read_rhythm(connection: "duckdb.DuckDBPyConnection", moment: datetime) -> Rhythm:
    """Measure how long people let pass between two orders."""
    gaps, long, common = connection.execute(_GAPS, {"moment": moment}).fetchall()[0]
    if gaps < FEWEST_GAPS:
        return Rhythm(USUAL, USUAL / 2, gaps)
    return Rhythm(float(min(LONGEST, max(SHORTEST, round(long)))), float(max(1.0, common)), gaps)


def learn(connection: "duckdb.DuckDBPyConnection", monday: datetime, rhythm: Rhythm) -> Learnt | str:
    """Learn from who did not order in the horizon before a Monday; or say why nothing can be learnt."""
    cutoff = monday - timedelta(days=rhythm.horizon)
    first = connection.execute(_FIRST, {"moment": monday}).fetchall()[0][0]
    if first is None or first > cutoff - timedelta(days=rhythm.horizon):
        return f"history is shorter than twice {rhythm.horizon:.0f} days"
    known = read_known(connection, cutoff)
    if len(known) > MOST_PEOPLE:
        known = known.some(known.lot < np.quantile(known.lot, MOST_PEOPLE / len(known)))
    gone = np.asarray(~(known.next_days <= rhythm.horizon), dtype=np.float64)
    people, left = len(known), int(gone.sum())
    if people < FEWEST_PEOPLE:
        return f"{people} buyers are too few to learn from, it takes {FEWEST_PEOPLE}"
    if min(left, people - left) < FEWEST_OUTCOMES:
        return f"of {people} buyers {left} left, and it takes {FEWEST_OUTCOMES} who left and {FEWEST_OUTCOMES} who stayed"
    rows = features(known, rhythm.common_gap)
    calibration = cross_fit(rows, gone, known.lot, never_lowering=SERVICE_AT)
    if calibration.auc < LEAST_AUC or calibration.error > MOST_ERROR:
        return f"what was learnt does not foretell well enough (AUC {calibration.auc:.2f}, error {calibration.error:.2f})"
    return Learnt(fit_logistic(rows, gone, never_lowering=SERVICE_AT), calibration, people, left, monday)


def _table(known: Known, own_gaps: Floats, rhythm: Rhythm, learnt: Learnt | str) -> pa.Table:
    """Give the rows of scoring.churn. `own_gaps`: the days that usually pass between orders of each, NaN where unknown."""
    if isinstance(learnt, Learnt):
        rows = features(known, rhythm.common_gap)
        parts = learnt.model.contributions(rows) * learnt.calibration.slope
        parts[:, SERVICE_AT] *= rows[:, SERVICE_AT] > 0  # what did not happen to them is no reason
        risk = learnt.calibration.apply(learnt.model.chance(rows))
    else:
        parts = rules.points(known, rhythm.common_gap)
        risk = rules.risk(parts)
    gone = known.silent_days > rhythm.horizon
    is_overdue = known.silent_days > np.where(
        np.isnan(own_gaps), usual_gap(known, rhythm.common_gap), own_gaps
    )
    note = None if isinstance(learnt, Learnt) else f"Fixed rules judge their risk, for {learnt}."
    level = np.select([gone, risk >= HIGH, risk >= MEDIUM], ["gone", "high", "medium"], "low")
    return pa.table(
        {
            "customer_id": pa.array(known.customers, pa.string()),
            "churn_risk": np.round(risk, 9),  # sums of decimals depend on their order in the fifteenth digit
            "churn_level": pa.array(level, pa.string()),
            "churn_method": pa.array(np.full(len(known), "rules" if note else "calibrated"), pa.string()),
            "churn_note": pa.array([note] * len(known), pa.string()),
            **{
                f"reason_{place}": reason for place, reason in enumerate(_reasons(parts, is_overdue), start=1)
            },
            "silent_days": np.maximum(known.silent_days, 0).astype(np.int32),
            "usual_gap_days": pa.array(np.rint(own_gaps), pa.float64(), from_pandas=True).cast(pa.int32()),
            "orders": known.orders.astype(np.int64),
            "late_parcels": known.late_parcels.astype(np.int64),
            "slow_answers": known.slow_answers.astype(np.int64),
        }
    )


def _reasons(parts: Floats, is_overdue: npt.NDArray[np.bool_]) -> list[pa.Array]:
    """Name, for each buyer, the three reasons that raise the risk most; NULL where there are fewer.

    Silence is none while it is no longer than their usual gap, however much it weighs.
    """
    names = list(dict.fromkeys(REASON_OF.get(name, name) for name in NAMES if name != "tenure"))
    sums = np.zeros((len(parts), len(names)))
    for at, name in enumerate(NAMES):
        if name != "tenure":  # to have come long ago is no reason by itself
            sums[:, names.index(REASON_OF.get(name, name))] += parts[:, at]
    sums[~is_overdue, names.index("overdue")] = 0
    order = np.argsort(-sums, axis=1, kind="stable")[:, :3]
    worth = np.take_along_axis(sums, order, axis=1) >= WORTH_TELLING
    codes = pa.array(names)
    return [codes.take(pa.array(order[:, at], pa.int64(), mask=~worth[:, at])) for at in range(3)]


def _report(known: Known, rhythm: Rhythm, learnt: Learnt | str) -> ChurnReport:
    if isinstance(learnt, str):
        sentence = f"Churn is judged by rules: {learnt}."
        return ChurnReport("rules", sentence, len(known), rhythm.horizon, None)
    found = learnt.calibration
    sentence = (
        f"Churn is learnt from {learnt.people:,} buyers, of whom {learnt.left:,} did not order in the {rhythm.horizon:.0f}"
        f" days to {learnt.until:%Y-%m-%d}: AUC {found.auc:.2f}, a tenth's risk is {found.error:.3f} off on average."
    )
    fit = {"auc": found.auc, "brier": found.brier, "error": found.error, "tenths": found.tenths}
    return ChurnReport("calibrated", sentence, len(known), rhythm.horizon, fit)


def _tell(
    connection: "duckdb.DuckDBPyConnection", report: ChurnReport, learnt: Learnt | str, as_of: datetime
) -> None:
    connection.execute(_FITS)
    connection.execute("DELETE FROM scoring.model_fits WHERE model = ?", [MODEL])
    row: list[Any] = [MODEL, "refused", report.sentence, None, None, report.customers, None, None, None]
    if isinstance(learnt, Learnt):
        weights = dict(zip(NAMES, learnt.model.weights.tolist(), strict=True))
        told = {"intercept": learnt.model.intercept, "weights": weights, "horizon_days": report.horizon_days}
        row[1] = "fitted" if as_of - learnt.until < timedelta(days=1) else "kept"
        row[3:7] = [learnt.until, learnt.until.date(), learnt.people, json.dumps(told)]
        row[8] = json.dumps(report.fit)
    connection.execute("INSERT INTO scoring.model_fits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
