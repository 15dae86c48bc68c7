"""Fits that are kept: what was learnt, from whom, how well it foretold; and when to learn again.

A fit costs seconds and changes little from day to day, so a build keeps that of the last week. It is made again
when a week is over, or when what is seen has drifted from what was learnt from.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipelines.scoring.lifetime.bg_nbd import Timing
from pipelines.scoring.lifetime.gamma_gamma import Worth

if TYPE_CHECKING:
    import duckdb

VERSION = 1  # of what is learnt from: a new one learns again
MODEL = "lifetime_value"
REFIT_AFTER = timedelta(days=7)
DRIFT = 0.1  # a tenth more or fewer orders, or a tenth more or less worth, against what the model expects
GROWTH = 1.25  # so many times the customers, or as many times fewer
KEPT = 60  # fits, the newest: a year of weeks

_NEWEST = """
    SELECT fitted_at, data_until, customers, sentence, learnt, checks FROM state.model_fits
    WHERE model = $model AND unit = $unit AND version = $version AND fitted_at <= $as_of
    ORDER BY fitted_at DESC LIMIT 1
"""
_FORGET_SAME = "DELETE FROM state.model_fits WHERE model = $model AND fitted_at = $fitted_at"
_KEEP = """
    INSERT INTO state.model_fits
    VALUES ($model, $unit, $version, $fitted_at, $data_until, $customers, $sentence, $reason, $learnt, $checks)
"""
_FORGET_OLD = """
    DELETE FROM state.model_fits WHERE model = $model AND fitted_at < (
        SELECT min(fitted_at) FROM (
            SELECT fitted_at FROM state.model_fits WHERE model = $model ORDER BY fitted_at DESC LIMIT $kept))
"""


@dataclass(frozen=True)
class Learnt:
    """What both models learnt, with the log-likelihood of each; `worth` is None where `no_worth` says why."""

    timing: Timing
    timing_log_likelihood: float
    worth: Worth | None
    worth_log_likelihood: float | None
    no_worth: str = ""

    def to_document(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "timing": self.timing.to_document(),
            "timing_log_likelihood": self.timing_log_likelihood,
            "worth": self.worth.to_document() if self.worth else None,
            "worth_log_likelihood": self.worth_log_likelihood,
            "no_worth": self.no_worth,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Learnt":
        """Read what `to_document` gave."""
        worth = document["worth"]
        return cls(
            Timing(**document["timing"]),
            document["timing_log_likelihood"],
            Worth(**worth) if worth else None,
            document["worth_log_likelihood"],
            document["no_worth"],
        )


@dataclass(frozen=True)
class Fit:
    """One fit. `checks` holds how the data stood against it: orders and worth by ratio, and the forecast it was tried on."""

    fitted_at: datetime
    data_until: date
    customers: int
    sentence: str
    learnt: Learnt
    checks: Mapping[str, Any]


@dataclass(frozen=True)
class Standing:
    """How today's data stands against a fit: customers, and orders and worth as a multiple of what it expects."""

    customers: int
    orders: float
    worth: float | None


def why_refit(kept: Fit | None, as_of: datetime, standing: Standing | None) -> str | None:
    """Say why to learn again, in a few words; None where the kept fit still holds."""
    if kept is None or standing is None:
        return "the first fit"
    if as_of - kept.fitted_at >= REFIT_AFTER:
        return "a week is over"
    return _drift(kept, standing)


def _drift(kept: Fit, now: Standing) -> str | None:
    then = kept.checks
    if not 1 / GROWTH <= now.customers / max(kept.customers, 1) <= GROWTH:
        return "many more or fewer customers"
    if abs(now.orders / then["orders"] - 1) > DRIFT:
        return "customers order more or less often than they did"
    if (now.worth is None) != (then["worth"] is None):
        return "orders can be valued, or no longer"
    if now.worth and abs(now.worth / then["worth"] - 1) > DRIFT:
        return "orders are worth more or less than they were"
    return None


def newest_fit(connection: "duckdb.DuckDBPyConnection", unit: str, as_of: datetime) -> Fit | None:
    """Find the newest fit that was made by `as_of`, in the attached state; `unit` is the currency's code."""
    wanted = {"model": MODEL, "unit": unit, "version": VERSION, "as_of": as_of}
    found = connection.execute(_NEWEST, wanted).fetchone()
    if found is None:
        return None
    fitted_at, until, customers, sentence, learnt, checks = found
    return Fit(
        fitted_at, until, customers, sentence, Learnt.from_document(json.loads(learnt)), json.loads(checks)
    )


def keep_fit(connection: "duckdb.DuckDBPyConnection", unit: str, fit: Fit, reason: str) -> None:
    """Remember a fit in the attached state with why it was made, and forget the oldest."""
    connection.execute(_FORGET_SAME, {"model": MODEL, "fitted_at": fit.fitted_at})
    row = {
        "model": MODEL,
        "unit": unit,
        "version": VERSION,
        "fitted_at": fit.fitted_at,
        "data_until": fit.data_until,
        "customers": fit.customers,
        "sentence": fit.sentence,
        "reason": reason,
        "learnt": json.dumps(fit.learnt.to_document()),
        "checks": json.dumps(dict(fit.checks)),
    }
    connection.execute(_KEEP, row)
    connection.execute(_FORGET_OLD, {"model": MODEL, "kept": KEPT})
