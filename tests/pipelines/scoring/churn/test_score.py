"""The churn step over signals: it learns where it can, says by rules where it cannot, and knows no future."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from pipelines.scoring.churn import score
from pipelines.scoring.churn.features import NAMES, features, read_known
from pipelines.scoring.churn.score import score_churn

AS_OF = datetime(2026, 10, 30, 12)
Signal = tuple[str, str, datetime, datetime | None, float | None]


@pytest.fixture
def build() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE SCHEMA intermediate")
        yield connection


def happened(build: duckdb.DuckDBPyConnection, signals: Sequence[Signal]) -> None:
    build.execute(
        "CREATE OR REPLACE TABLE intermediate.int_churn__signals"
        " (customer_id VARCHAR, kind VARCHAR, began_at TIMESTAMP, ended_at TIMESTAMP, mood DOUBLE)"
    )
    if signals:
        columns = [list(column) for column in zip(*signals, strict=True)]
        build.execute(
            "INSERT INTO intermediate.int_churn__signals SELECT unnest(?), unnest(?), unnest(?), unnest(?), unnest(?)",
            columns,
        )


def order(customer: str, days_ago: float) -> Signal:
    return customer, "order", AS_OF - timedelta(days=days_ago), None, None


def signal(
    customer: str, kind: str, days_ago: float, ended: float | None = None, mood: float | None = None
) -> Signal:
    over = AS_OF - timedelta(days=ended) if ended is not None else None
    return customer, kind, AS_OF - timedelta(days=days_ago), over, mood


def found(build: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    cursor = build.execute("SELECT * FROM scoring.churn ORDER BY customer_id")
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {row["customer_id"]: row for row in rows}


def shop(people: int, complaint_effect: float, seed: int = 11) -> list[Signal]:
    """Draw people who order every 20 days or so until they leave; who had to complain leaves more often."""
    rng = np.random.default_rng(seed)
    signals = []
    for number in range(people):
        at, customer = 650 - rng.uniform(0, 600), f"cus_{number:05}"
        while at > 0:
            signals.append(order(customer, at))
            unhappy = rng.random() < 0.15
            if unhappy:
                signals.append(signal(customer, "complaint", at - 1, None))
            if rng.random() < 0.03 + complaint_effect * unhappy:
                break
            if unhappy:
                signals[-1] = signal(customer, "complaint", at - 1, max(at - 3, 0))
            at -= rng.exponential(20) + 1
    return signals


def test_with_history_enough_the_risk_is_learnt_and_says_how_well(build: duckdb.DuckDBPyConnection) -> None:
    happened(build, shop(1_500, 0.5))
    report = score_churn(build, AS_OF)
    assert report.method == "calibrated"
    assert report.fit is not None
    assert report.fit["auc"] > 0.8
    assert report.fit["error"] <= 0.05
    assert {row["churn_method"] for row in found(build).values()} == {"calibrated"}
    state, sentence = build.execute("SELECT state, sentence FROM scoring.model_fits").fetchall()[0]
    assert state in {"fitted", "kept"}
    assert sentence == report.sentence


def test_who_left_for_a_complaint_teaches_that_complaints_make_leave(
    build: duckdb.DuckDBPyConnection,
) -> None:
    happened(
        build, [*shop(1_500, 0.5), order("cus_a", 3), order("cus_b", 3), signal("cus_b", "complaint", 2)]
    )
    assert score_churn(build, AS_OF).method == "calibrated"
    people = found(build)
    assert people["cus_b"]["churn_risk"] > people["cus_a"]["churn_risk"] + 0.1
    reasons = {people["cus_b"][f"reason_{place}"] for place in (1, 2, 3)}
    assert "open_complaint" in reasons
    assert "open_complaint" not in {people["cus_a"][f"reason_{place}"] for place in (1, 2, 3)}


@pytest.mark.parametrize("method", ["calibrated", "rules"])
def test_silence_is_a_reason_only_beyond_the_rhythm_that_the_card_tells(
    build: duckdb.DuckDBPyConnection, method: str
) -> None:
    """Twelve gaps of 100 days and one of 20: their median is 100, wherever the mean and what is common here lie."""
    steady = [order(f"cus_{name}", silent + days) for name, silent in (("on time", 90), ("overdue", 600))
              for days in (0, 20, *range(120, 1_300, 100))]  # fmt: skip
    others = shop(1_500, 0.5) if method == "calibrated" else shop(60, 0.3)
    happened(build, [*others, *steady, order("cus_once", 400)])
    assert score_churn(build, AS_OF).method == method
    people = found(build)
    assert (people["cus_on time"]["usual_gap_days"], people["cus_once"]["usual_gap_days"]) == (100, None)
    told = {name: [row[f"reason_{place}"] for place in (1, 2, 3)] for name, row in people.items()}
    assert "overdue" not in told["cus_on time"]
    assert "overdue" in told["cus_overdue"]
    assert "overdue" in told["cus_once"]
    late = [row for name, row in people.items() if "overdue" in told[name] and row["usual_gap_days"]]
    assert len(late) > 5
    assert all(row["silent_days"] >= row["usual_gap_days"] for row in late)


def test_whose_risk_the_rules_judge_is_told_why_it_was_not_learnt(
    build: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened(build, shop(1_500, 0.5))
    score_churn(build, AS_OF)
    assert {row["churn_note"] for row in found(build).values()} == {None}
    monkeypatch.setattr(score, "LEAST_AUC", 0.9999)
    score_churn(build, AS_OF)
    (note,) = {row["churn_note"] for row in found(build).values()}
    assert note.startswith(
        "Fixed rules judge their risk, for what was learnt does not foretell well enough (AUC 0."
    )


def test_the_same_week_learns_the_same(build: duckdb.DuckDBPyConnection) -> None:
    happened(build, shop(900, 0.3))
    queried = []
    for as_of in (AS_OF - timedelta(days=1), AS_OF):
        score_churn(build, as_of)
        queried.append(build.execute("SELECT parameters, data_until FROM scoring.model_fits").fetchall())
    assert queried[0] == queried[1]


def test_what_happened_later_is_not_known(build: duckdb.DuckDBPyConnection) -> None:
    signals = [*shop(50, 0.3), signal("cus_00001", "mood", 120, None, -0.9)]
    cutoff = AS_OF - timedelta(days=100)
    happened(build, signals)
    before = read_known(build, cutoff)
    happened(build, [each for each in signals if each[2] <= cutoff])
    alone = read_known(build, cutoff)
    assert np.array_equal(features(before, 30), features(alone, 30), equal_nan=True)
    assert np.isnan(alone.next_days).all()


def test_too_few_people_are_judged_by_rules_and_the_sentence_says_why(
    build: duckdb.DuckDBPyConnection,
) -> None:
    happened(build, shop(60, 0.3))
    report = score_churn(build, AS_OF)
    assert report.method == "rules"
    assert "too few to learn from" in report.sentence
    assert build.execute("SELECT model, state FROM scoring.model_fits").fetchall() == [("churn", "refused")]


def test_a_young_shop_is_judged_by_rules(build: duckdb.DuckDBPyConnection) -> None:
    happened(build, [order(f"cus_{number}", number % 50) for number in range(2_000)])
    assert "history is shorter" in score_churn(build, AS_OF).sentence


def test_where_everybody_stays_nothing_is_learnt(build: duckdb.DuckDBPyConnection) -> None:
    orders = [order(f"cus_{number}", days) for number in range(600) for days in range(5, 400, 10)]
    happened(build, orders)
    assert "of 600 buyers 0 left" in score_churn(build, AS_OF).sentence


def test_a_shop_that_sends_no_orders_for_months_has_not_lost_everybody(
    build: duckdb.DuckDBPyConnection,
) -> None:
    happened(build, shop(1_500, 0.5))
    gone = []
    for silent in (0, 95):
        score_churn(build, AS_OF + timedelta(days=silent))
        gone.append(sum(row["churn_level"] == "gone" for row in found(build).values()))
    assert 0 < gone[0] < 1_200
    assert gone[1] == pytest.approx(gone[0], rel=0.05)


def test_the_rules_say_what_their_table_says(build: duckdb.DuckDBPyConnection) -> None:
    """Two orders 30 days apart and a common 90: (30 + 90) / 2 = 60 days are usual."""
    happened(
        build,
        [
            order("just ordered", 10),
            order("overdue", 200), order("overdue", 170),
            order("gone", 300), order("gone", 181),
            order("complains", 50), order("complains", 20), signal("complains", "complaint", 5),
            order("complained", 50), order("complained", 20), signal("complained", "complaint", 9, 5),
            order("everything", 200), order("everything", 170), signal("everything", "complaint", 5),
            signal("everything", "late_parcel", 160), signal("everything", "slow_answer", 100),
            signal("everything", "repeat_contact", 10), signal("everything", "mood", 100, None, 0.5),
            signal("everything", "mood", 3, None, -0.5),
        ],
    )  # fmt: skip
    score_churn(build, AS_OF)
    people = found(build)
    assert {name: round(row["churn_risk"], 2) for name, row in people.items()} == {
        "just ordered": 0.15,
        "overdue": 0.55,
        "gone": 0.35,
        "complains": 0.30,
        "complained": 0.15,
        "everything": 0.95,
    }
    assert {name: row["churn_level"] for name, row in people.items()} == {
        "just ordered": "low",
        "overdue": "medium",
        "gone": "gone",
        "complains": "low",
        "complained": "low",
        "everything": "high",
    }
    told = {name: [row[f"reason_{place}"] for place in (1, 2, 3)] for name, row in people.items()}
    assert told["just ordered"] == [None, None, None]
    assert told["overdue"] == ["overdue", None, None]
    assert told["complains"] == ["open_complaint", None, None]
    assert told["everything"] == ["overdue", "open_complaint", "late_parcel"]


@pytest.mark.parametrize(
    "signals",
    [
        [],
        [signal("cus_1", "complaint", 5)],
        [order("cus_1", -3)],
        [order("cus_1", 0)],
        [order("cus_1", 5), signal("cus_1", "late_parcel", 3, 9)],
        [order(f"cus_{number}", 100) for number in range(700)],
    ],
    ids=[
        "nobody",
        "no order",
        "an order of tomorrow",
        "an order of now",
        "over before it began",
        "all alike",
    ],
)
def test_odd_histories_end_with_a_sentence(build: duckdb.DuckDBPyConnection, signals: list[Signal]) -> None:
    happened(build, signals)
    report = score_churn(build, AS_OF)
    assert report.method == "rules"
    assert report.sentence
    assert all(0 < row["churn_risk"] < 1 for row in found(build).values())


def test_every_feature_has_its_column(build: duckdb.DuckDBPyConnection) -> None:
    happened(build, [order("cus_1", 5)])
    assert features(read_known(build, AS_OF), 90).shape == (1, len(NAMES))


def test_what_was_learnt_is_kept_for_its_week_and_learnt_again_with_many_more_buyers(
    build: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    state = tmp_path / "state.duckdb"
    company = shop(1_500, 0.5)
    happened(build, company)
    first = score_churn(build, AS_OF, state)
    risks = {customer: row["churn_risk"] for customer, row in found(build).items()}

    late = [order("cus_late", 300), order("cus_late", 4)]
    happened(build, [*company, *late])
    second = score_churn(build, AS_OF + timedelta(hours=3), state)
    assert (second.sentence, second.fit) == (first.sentence, first.fit)
    assert {row["churn_method"] for row in found(build).values()} == {"calibrated"}
    score_churn(build, AS_OF, state)
    now = {customer: row["churn_risk"] for customer, row in found(build).items()}
    assert now.pop("cus_late") < 0.7
    assert now == risks, "a late record of somebody else moves nobody's risk"
    score_churn(build, AS_OF)
    assert {customer: row["churn_risk"] for customer, row in found(build).items()} != risks, (
        "learnt anew it would"
    )

    next_week = score_churn(build, AS_OF + timedelta(days=7), state)
    assert next_week.sentence != first.sentence
    happened(build, [*company, *((f"b{each[0]}", *each[1:]) for each in shop(600, 0.5, seed=5))])
    assert score_churn(build, AS_OF, state).sentence != first.sentence
