"""Fits that outlive a build: what a model learnt and when, in state.duckdb, for each model a year of weeks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

GROWTH = 1.25  # so many times the customers that were learnt from, or as many times fewer: learn again
KEPT = 60  # fits of a model, the newest

_NEWEST = """
    SELECT fitted_at, data_until, customers, sentence, reason, learnt, checks FROM state.model_fits
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
class Kind:
    """Which fits are alike: of one model, in one unit (a currency's code, or what it counts), learnt in one way."""

    model: str
    unit: str
    version: int


@dataclass(frozen=True)
class KeptFit:
    """One fit as plain data: `learnt` is the model's own, `checks` how the data stood when it was learnt."""

    fitted_at: datetime
    data_until: date
    customers: int
    sentence: str
    reason: str
    learnt: Mapping[str, Any]
    checks: Mapping[str, Any]


def newest_kept(connection: "duckdb.DuckDBPyConnection", kind: Kind, as_of: datetime) -> KeptFit | None:
    """Find the newest fit that was made by `as_of` (naive UTC), in the attached state."""
    found = connection.execute(_NEWEST, {**vars(kind), "as_of": as_of}).fetchone()
    if found is None:
        return None
    fitted_at, until, customers, sentence, reason, learnt, checks = found
    return KeptFit(fitted_at, until, customers, sentence, reason, json.loads(learnt), json.loads(checks))


def keep(connection: "duckdb.DuckDBPyConnection", kind: Kind, fit: KeptFit) -> None:
    """Remember a fit in the attached state, in place of one of the same moment, and forget the oldest."""
    connection.execute(_FORGET_SAME, {"model": kind.model, "fitted_at": fit.fitted_at})
    documents = {"learnt": json.dumps(dict(fit.learnt)), "checks": json.dumps(dict(fit.checks))}
    connection.execute(_KEEP, {**vars(kind), **vars(fit), **documents})
    connection.execute(_FORGET_OLD, {"model": kind.model, "kept": KEPT})


def has_grown(customers: int, learnt_from: int) -> bool:
    """Say whether there are many more or fewer customers than were learnt from."""
    return not 1 / GROWTH <= customers / max(learnt_from, 1) <= GROWTH
