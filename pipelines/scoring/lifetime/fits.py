"""Fits that are kept: what was learnt, from whom, how well it foretold; and when to learn again.

A fit costs seconds and changes little from day to day, so a build keeps that of the last week. It is made again
when a week is over, or when what is seen has drifted from what was learnt from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipelines.scoring.kept_fits import KeptFit, Kind, has_grown, keep, newest_kept
from pipelines.scoring.lifetime.bg_nbd import Timing
from pipelines.scoring.lifetime.gamma_gamma import Worth

if TYPE_CHECKING:
    import duckdb

VERSION = 1  # of what is learnt from: a new one learns again
MODEL = "lifetime_value"
REFIT_AFTER = timedelta(days=7)
DRIFT = 0.1  # a tenth more or fewer orders, or a tenth more or less worth, against what the model expects


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
    if has_grown(now.customers, kept.customers):
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
    kept = newest_kept(connection, Kind(MODEL, unit, VERSION), as_of)
    if kept is None:
        return None
    learnt = Learnt.from_document(kept.learnt)
    return Fit(kept.fitted_at, kept.data_until, kept.customers, kept.sentence, learnt, kept.checks)


def keep_fit(connection: "duckdb.DuckDBPyConnection", unit: str, fit: Fit, reason: str) -> None:
    """Remember a fit in the attached state with why it was made."""
    learnt = fit.learnt.to_document()
    kept = KeptFit(fit.fitted_at, fit.data_until, fit.customers, fit.sentence, reason, learnt, fit.checks)
    keep(connection, Kind(MODEL, unit, VERSION), kept)
