"""The page of feedback: scores, who is unhappy and whether somebody saw to it, and what customers ask for."""

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.components.feedback_charts import score
from messaging.access import Role
from messaging.clock import Clock
from messaging.desk.follow_ups import promise, settle
from messaging.settings import read_settings
from messaging.store import open_store

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
AS_OF = datetime.fromisoformat("2026-10-30T06:00")
HOSTILE = "<script>alert(1)</script> ![x](https://evil.example/x.png)"


@pytest.fixture
def own_home(company: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a copy of the company to which eight people answered, two of them unhappy."""
    copy = tmp_path / "own"
    shutil.copytree(company, copy)
    monkeypatch.setenv("RAPPORT_HOME", str(copy))
    (file,) = (copy / "releases").glob("*.duckdb")
    with duckdb.connect(str(file)) as release:
        release.execute("ALTER TABLE customer_timeline ADD COLUMN sentiment DOUBLE")
        release.execute(
            "CREATE TABLE feedback AS SELECT touch_id, customer_id, ?::TIMESTAMP - to_days(n::INTEGER) AS occurred_at, "
            "if(n < 6, 'nps', 'review') AS kind, if(n < 2, 2.0, 10.0) AS score, 10 AS score_scale, "
            "if(n < 2, 0.2, 1.0) AS score_share, if(n < 2, 'bad', 'good') AS verdict, n = 7 AS is_verified, "
            "'Lamp' AS product_name, NULL::VARCHAR AS ticket_id FROM (SELECT any_value(touch_id) AS touch_id, customer_id, "
            "row_number() OVER (ORDER BY customer_id) - 1 AS n FROM customer_timeline GROUP BY customer_id LIMIT 8)",
            [AS_OF],
        )
        release.execute("UPDATE customer_timeline SET body = ?", [HOSTILE])
        release.execute(
            "CREATE TABLE conversations AS SELECT 'late_parcel' AS topic, true AS is_complaint, 'T1' AS ticket_id, "
            "?::TIMESTAMP - to_days(3) AS started_at",
            [AS_OF],
        )
    return copy


def page() -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    return app.switch_page("pages/feedback.py").run()


def html_of(app: AppTest) -> str:
    return "\n".join(str(block.proto.body) for block in app.get("html"))


def test_scores_topics_and_the_unhappy_are_told_and_hostile_words_stay_text(own_home: Path) -> None:
    settings = read_settings()
    clock = Clock(AS_OF + timedelta(hours=6))
    with open_store(settings) as store:
        one = promise(
            store, clock, f"cus_{0:032x}", "Call back", clock.now() + timedelta(days=1), actor="test"
        )
        promise(store, clock, f"cus_{1:032x}", "Send a lamp", clock.now() + timedelta(days=1), actor="test")
        settle(store, clock, one.follow_up_id, "kept", outcome="Called", actor="test")
    app = page()
    assert not app.exception
    shown = html_of(app)
    assert "+33" in shown  # four of six would recommend us, two would not
    assert "NPS of 6 answers" in shown
    assert "Seen to" in shown
    assert "Promised" in shown
    assert "0 people of 2 wait" in shown
    assert "Late parcel" in shown
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert any("Lamp: 6 good, 2 bad" in chart.proto.alt for chart in app.get("vega_lite_chart"))


def test_who_sees_no_words_sees_that_somebody_is_unhappy(
    own_home: Path, sign_in_as: Callable[[Role], None]
) -> None:
    sign_in_as("viewer")
    shown = html_of(page())
    assert "script" not in shown
    assert "Ada Lovelace" not in shown
    assert "A. L." in shown
    assert "2 people of 2 wait" in shown


def test_without_answers_the_page_says_what_brings_some(home: Path) -> None:
    assert "Nobody has told us yet how they feel" in html_of(page())


def test_a_score_is_none_without_answers_and_nps_goes_from_minus_to_plus_100() -> None:
    rows = [
        {"kind": "nps", "answers": 10, "good": 2, "bad": 6},
        {"kind": "csat", "answers": 4, "good": 3, "bad": 1},
    ]
    assert score(rows, "nps") == -40
    assert score(rows, "csat") == 75
    assert score(rows, "review") is None
