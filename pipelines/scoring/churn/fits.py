"""What was learnt of leaving, kept for its week: a late record changes the risk of whom it concerns, and nobody else's."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.scoring.churn.logistic import Calibration, Logistic
from pipelines.scoring.kept_fits import KeptFit, Kind, has_grown, keep, newest_kept

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

MODEL = "churn"
KIND = Kind(MODEL, "orders", version=1)  # a new version learns again


@dataclass(frozen=True)
class Rhythm:
    """How people order: in `horizon` days who orders again has done so, `common_gap` days is half of gaps."""

    horizon: float
    common_gap: float
    gaps: int


@dataclass(frozen=True)
class Learnt:
    """A model, how it is set right, and from how many people until when (naive UTC) it was learnt."""

    model: Logistic
    calibration: Calibration
    people: int
    left: int
    until: datetime


def kept_of_week(
    connection: "duckdb.DuckDBPyConnection", monday: datetime, buyers: int
) -> tuple[Rhythm, Learnt] | None:
    """Find in the attached state what was learnt as of a Monday; None where that was of many more or fewer buyers."""
    kept = newest_kept(connection, KIND, monday)
    if kept is None or kept.fitted_at != monday or has_grown(buyers, kept.checks["buyers"]):
        return None
    return _read(kept)


def keep_of_week(
    connection: "duckdb.DuckDBPyConnection", rhythm: Rhythm, learnt: Learnt, buyers: int
) -> None:
    """Remember what was learnt in the attached state; `buyers` is how many there are by now."""
    model = {
        "intercept": learnt.model.intercept,
        "weights": learnt.model.weights.tolist(),
        "mean": learnt.model.mean.tolist(),
        "scale": learnt.model.scale.tolist(),
    }
    told = {"rhythm": asdict(rhythm), "model": model, "calibration": asdict(learnt.calibration)}
    fit = KeptFit(
        fitted_at=learnt.until,
        data_until=learnt.until.date(),
        customers=learnt.people,
        sentence=f"Learnt from {learnt.people:,} buyers, of whom {learnt.left:,} left.",
        reason="the week's fit",
        learnt=told | {"left": learnt.left},
        checks={"buyers": buyers},
    )
    keep(connection, KIND, fit)


def _read(kept: KeptFit) -> tuple[Rhythm, Learnt]:
    told: Mapping[str, Any] = kept.learnt
    of_model = told["model"]
    model = Logistic(
        of_model["intercept"], *(np.asarray(of_model[name]) for name in ("weights", "mean", "scale"))
    )
    tenths = tuple(
        (foretold, happened, people) for foretold, happened, people in told["calibration"]["tenths"]
    )
    calibration = Calibration(**{**told["calibration"], "tenths": tenths})
    return Rhythm(**told["rhythm"]), Learnt(model, calibration, kept.customers, told["left"], kept.fitted_at)
