"""The step: what it says of whom, what it refuses, and which fit it keeps."""

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from pipelines.scoring.kept_fits import KEPT
from pipelines.scoring.lifetime.bg_nbd import Timing
from pipelines.scoring.lifetime.fits import Fit, Learnt, Standing, why_refit
from pipelines.scoring.lifetime.gamma_gamma import Worth
from pipelines.scoring.lifetime.score import FOREIGN, FUTURE, GAVE_BACK, ONCE

from .test_bg_nbd import integrated
from .warehouse import Day, Warehouse, drawn_days

UNTIL = date(2026, 10, 30)
AS_OF = "2026-10-30 12:00:00"
NUMBERS = (
    "probability_alive",
    "expected_orders_90d",
    "expected_orders_365d",
    "expected_order_minor",
    "value_90d_minor",
    "value_365d_minor",
    "next_order_expected_at",
)
CROWD = drawn_days(1500, 78, UNTIL)


def day(customer: str, ago: int, minor: int = 5000, own: int = 1, ordered: int = 1) -> Day:
    return customer, UNTIL - timedelta(days=ago), ordered, own, minor


def test_one_customer_is_scored_as_the_papers_say_from_what_was_learnt(warehouse: Warehouse) -> None:
    warehouse.land([*CROWD, day("cus_one", 210, 4000), day("cus_one", 140, 6000), day("cus_one", 35, 8000)])
    report = warehouse.score(AS_OF)
    (row,) = warehouse.rows("SELECT * FROM scoring.lifetime_value WHERE customer_id = 'cus_one'")
    assert report.fit is not None
    timing, worth = report.fit.learnt.timing, report.fit.learnt.worth
    assert worth is not None
    odds = timing.a / (timing.b + 1) * ((timing.alpha + 30) / (timing.alpha + 25)) ** (timing.r + 2)
    alive = 1 / (1 + odds)
    orders = alive * integrated(timing, 2, 30.0, 90 / 7)
    minor = worth.p * (worth.v + 18000) / (3 * worth.p + worth.q - 1)
    assert row["probability_alive"] == pytest.approx(alive, rel=1e-9)
    assert row["expected_orders_90d"] == pytest.approx(orders, rel=1e-6)
    assert row["expected_order_minor"] == pytest.approx(minor, abs=0.5)
    assert row["value_90d_minor"] == pytest.approx(orders * minor, abs=0.51)
    assert row["value_365d_minor"] > row["value_90d_minor"]
    silent = 7 * (timing.alpha + 30) * ((alive / (alive - 0.5)) ** (1 / (timing.r + 2)) - 1)
    assert row["next_order_expected_at"] == UNTIL + timedelta(days=int(np.ceil(silent)))
    assert row["note"] is None


def test_each_buyer_has_a_row_and_whatever_is_empty_has_its_reason(warehouse: Warehouse) -> None:
    odd = [
        day("cus_once", 50),
        day("cus_foreign", 80, 0, own=0),
        day("cus_foreign", 20, 0, own=0),
        day("cus_gave_back", 80, 5000),
        day("cus_gave_back", 20, 2000),
        day("cus_gave_back", 12, -9000, own=0, ordered=0),
        day("cus_before_our_time", 12, -900, own=0, ordered=0),
        day("cus_tomorrow", -1),
        day("cus_today", 0),
    ]
    warehouse.land([*CROWD, *odd])
    report = warehouse.score(AS_OF)
    rows = {row["customer_id"]: row for row in warehouse.rows()}
    assert report.customers == len(rows) == len({customer for customer, *_ in [*CROWD, *odd]}) - 1
    assert report.scored == len(rows) - 1
    notes = {name.removeprefix("cus_"): rows[name]["note"] for name in rows if not name[4].isdigit()}
    assert notes == {
        "once": ONCE,
        "today": ONCE,
        "foreign": FOREIGN,
        "gave_back": GAVE_BACK,
        "tomorrow": FUTURE,
    }
    assert all(rows["cus_tomorrow"][name] is None for name in NUMBERS)
    assert rows["cus_once"]["probability_alive"] is None
    assert rows["cus_once"]["value_90d_minor"] > 0
    for name in ("cus_foreign", "cus_gave_back"):
        assert rows[name]["expected_orders_90d"] > 0
        assert rows[name]["value_90d_minor"] is rows[name]["expected_order_minor"] is None
    empty = [
        row for row in rows.values() if row["value_90d_minor"] is None or row["probability_alive"] is None
    ]
    assert all(row["note"] for row in empty)


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ([], "no order has landed yet"),
        ([day("cus_1", 40)], "who ordered on a second day to tell how customers come back, and there are 0"),
        (
            [day("cus_1", 40), day("cus_1", 3)],
            "who ordered on a second day to tell how customers come back, and there are 1",
        ),
        (
            [day(f"cus_{n}", n % 90) for n in range(900)],
            "who ordered on a second day to tell how customers come back, and there are 0",
        ),
        (
            [day(f"cus_{n}", 0) for n in range(900)],
            "who ordered on a second day to tell how customers come back, and there are 0",
        ),
    ],
    ids=["nobody", "one customer", "one who came back", "nobody came back", "all today"],
)
def test_too_little_to_learn_from_is_refused_with_a_sentence_and_shows_no_number(
    warehouse: Warehouse, days: list[Day], why: str
) -> None:
    warehouse.land(days)
    report = warehouse.score(AS_OF)
    (fit,) = warehouse.rows("SELECT * FROM scoring.model_fits")
    assert (report.state, report.scored) == ("refused", 0)
    assert why in report.sentence
    assert fit["sentence"] == report.sentence
    assert fit["parameters"] is fit["fitted_at"] is None
    for row in warehouse.rows():
        assert [row[name] for name in NUMBERS] == [None] * len(NUMBERS)
        assert row["note"] == report.sentence
    assert warehouse.kept() == []


def test_orders_that_are_all_worth_the_same_have_a_number_and_no_value(warehouse: Warehouse) -> None:
    warehouse.land([(customer, on, 1, 1, 2500) for customer, on, *_ in CROWD])
    report = warehouse.score(AS_OF)
    rows = warehouse.rows()
    assert report.state == "fitted"
    assert report.fit is not None
    assert report.fit.learnt.worth is None
    assert all(row["expected_orders_90d"] > 0 for row in rows)
    assert {row["value_90d_minor"] for row in rows} == {None}
    assert {row["note"] for row in rows} == {
        "No value: every order is worth the same, so nothing can be learnt from them."
    }


def test_a_model_that_did_not_foretell_the_last_days_is_not_used(warehouse: Warehouse) -> None:
    """Everybody came back in the last ten days: a model of the days before knows nothing of that."""
    crowd = drawn_days(1500, 78, UNTIL - timedelta(days=90), seed=9)
    burst = [day(f"cus_{n:06d}", ago) for n in range(1500) for ago in (1, 4, 9)]
    warehouse.land({(row[0], row[1]): row for row in [*crowd, *burst]}.values())
    report = warehouse.score(AS_OF)
    assert report.state == "refused"
    assert "came, so the model is not used" in report.sentence
    assert report.scored == 0


def test_when_orders_stop_coming_in_nobody_seems_to_leave_and_the_scores_say_stale(
    warehouse: Warehouse,
) -> None:
    warehouse.land(CROWD)
    warehouse.score(AS_OF)
    before = {row["customer_id"]: row for row in warehouse.rows()}
    newest = max(row[1] for row in CROWD)
    report = warehouse.score("2026-12-15 12:00:00")
    rows = warehouse.rows()
    assert all(
        f"Stale: no order has come in since {newest}, so this is how things stood then." in row["note"]
        for row in rows
    )
    moved = [
        abs(row["expected_orders_90d"] - before[row["customer_id"]]["expected_orders_90d"]) for row in rows
    ]
    assert max(moved) < 0.1
    assert all(
        on is None or on >= date(2026, 12, 15) for on in (row["next_order_expected_at"] for row in rows)
    )
    assert report.state == "fitted"


def test_a_shop_that_is_often_silent_for_weeks_is_not_called_stale(warehouse: Warehouse) -> None:
    fairs = [
        (customer, on - timedelta(days=(on - date(2025, 1, 1)).days % 21), *rest)
        for customer, on, *rest in CROWD
    ]
    warehouse.land({(row[0], row[1]): row for row in fairs}.values())
    newest = max(row[1] for row in fairs)
    warehouse.score(f"{newest + timedelta(days=15)} 12:00:00")
    assert not any("Stale" in (row["note"] or "") for row in warehouse.rows())


def test_the_same_orders_at_the_same_moment_give_the_same_numbers_in_any_home(
    warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Warehouse(tmp_path_factory.mktemp("other"))
    warehouse.land(CROWD)
    other.land(CROWD[::-1])
    first, second = warehouse.score(AS_OF), other.score(AS_OF)
    assert warehouse.rows() == other.rows()
    assert first.to_document() == second.to_document()
    again = warehouse.score(AS_OF)
    assert (first.state, again.state) == ("fitted", "kept")
    assert warehouse.rows() == other.rows()


def test_a_fit_is_kept_for_a_week_and_looking_back_never_uses_what_was_learnt_later(
    warehouse: Warehouse,
) -> None:
    warehouse.land(CROWD)
    states = [
        warehouse.score(moment).state
        for moment in (
            "2026-10-20",
            "2026-10-21",
            "2026-10-26 23:59:59",
            "2026-10-27",
            "2026-10-28",
            "2026-10-12",
        )
    ]
    assert states == ["fitted", "kept", "kept", "fitted", "kept", "fitted"]
    assert [(made.date().day, reason) for made, reason, _ in warehouse.kept()] == [
        (12, "the first fit"),
        (20, "the first fit"),
        (27, "a week is over"),
    ]


def test_another_currency_learns_anew(warehouse: Warehouse) -> None:
    warehouse.land(CROWD)
    assert [warehouse.score(AS_OF, code).state for code in ("GBP", "USD")] == ["fitted", "fitted"]


def test_only_the_newest_fits_are_kept(warehouse: Warehouse) -> None:
    from pipelines.scoring.lifetime.fits import keep_fit
    from pipelines.warehouse.connection import open_warehouse
    from pipelines.warehouse.state import attached_state

    learnt = Learnt(Timing(1, 1, 1, 1), -1.0, None, None, "none")
    with (
        open_warehouse(warehouse.folder / "build.duckdb") as connection,
        attached_state(connection, warehouse.folder / "state.duckdb"),
    ):
        for week in range(KEPT + 5):
            moment = datetime(2025, 1, 1) + timedelta(weeks=week)
            keep_fit(connection, "GBP", Fit(moment, moment.date(), 1, "", learnt, {}), "a week is over")
    kept = warehouse.kept()
    assert len(kept) == KEPT
    assert kept[0][0] == datetime(2025, 1, 1) + timedelta(weeks=5)


LEARNT = Learnt(Timing(0.6, 8, 0.7, 2.6), -1.0, Worth(6, 4, 26), -1.0)
KEPT_FIT = Fit(datetime(2026, 10, 20), date(2026, 10, 20), 1000, "", LEARNT, {"orders": 0.98, "worth": 1.01})


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (Standing(1000, 0.98, 1.01), None),
        (Standing(1200, 1.05, 1.08), None),
        (Standing(1300, 0.98, 1.01), "many more or fewer customers"),
        (Standing(700, 0.98, 1.01), "many more or fewer customers"),
        (Standing(1000, 1.09, 1.01), "customers order more or less often than they did"),
        (Standing(1000, 0.87, 1.01), "customers order more or less often than they did"),
        (Standing(1000, 0.98, 0.9), "orders are worth more or less than they were"),
        (Standing(1000, 0.98, None), "orders can be valued, or no longer"),
    ],
)
def test_drift_learns_again_before_the_week_is_over(standing: Standing, reason: str | None) -> None:
    assert why_refit(KEPT_FIT, datetime(2026, 10, 22), standing) == reason


def test_a_release_notes_what_was_refused_or_is_old_and_nothing_else(warehouse: Warehouse) -> None:
    refused = warehouse.score(AS_OF)
    warehouse.land(CROWD)
    fitted, stale = warehouse.score(AS_OF), warehouse.score("2026-12-15 12:00:00")
    newest = max(row[1] for row in CROWD)
    assert refused.notes == ["No lifetime value: no order has landed yet."]
    assert fitted.notes == []
    assert stale.notes == [f"Stale: no order has come in since {newest}, so this is how things stood then."]
