"""The single view of a customer: what an agent reads first, keeps, promises, sends and decides on it."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from dashboard.components.desk import due_at
from dashboard.components.person import answering
from dashboard.components.picture import MOST, place
from messaging import audit
from messaging.customers.why import Evidence, Node
from messaging.settings import read_settings
from messaging.store import open_store
from messaging.store.tables import messages

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
CUSTOMER = f"cus_{0:032x}"
HOSTILE = "<script>alert(1)</script> ![x](https://evil.example/x.png) \u202etxt =HYPERLINK(1)"
AS_OF = datetime.fromisoformat("2026-10-30T06:00")


@pytest.fixture
def own_home(company: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a copy of the company whose first customer waits for an answer, with words that mean harm."""
    copy = tmp_path / "own"
    shutil.copytree(company, copy)
    monkeypatch.setenv("RAPPORT_HOME", str(copy))
    (file,) = (copy / "releases").glob("*.duckdb")
    with duckdb.connect(str(file)) as release:
        release.execute("ALTER TABLE customer_timeline ADD COLUMN conversation_id VARCHAR")
        release.execute(
            "UPDATE customer_timeline SET conversation_id = 'conv_1', direction = 'in', kind = 'sms', channel = 'sms', "
            "body = ? WHERE customer_id = ?",
            [f"Where is it? {HOSTILE}", CUSTOMER],
        )
        release.execute(
            "CREATE TABLE conversations AS SELECT 'conv_1' AS conversation_id, ? AS customer_id, true AS is_open, "
            "?::TIMESTAMP AS started_at, ?::TIMESTAMP AS last_at, 'sms' AS last_channel, 2 AS inbound_count, "
            "0 AS outbound_count, ?::TIMESTAMP AS waiting_since, 'late_parcel' AS topic, true AS is_complaint, "
            "'T-1' AS ticket_id, NULL::VARCHAR AS order_id",
            [CUSTOMER, AS_OF, AS_OF, AS_OF - timedelta(hours=2)],
        )
        release.execute("UPDATE customer_360 SET last_inbound_at = ?", [AS_OF])
        release.execute(
            "CREATE TABLE order_lines AS SELECT source, source_record_id, customer_id, '#1' AS order_id, "
            "?::TIMESTAMP AS occurred_at FROM identity_map",
            [AS_OF],
        )
    return copy


def customer_page() -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.query_params["customer"] = CUSTOMER
    app.run()
    return app.switch_page("pages/customers.py").run()


def html_of(app: AppTest) -> str:
    return "\n".join(str(block.proto.body) for block in app.get("html"))


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def audited() -> list[str]:
    with open_store(read_settings()) as store, store.read() as connection:
        return [row["action"] for row in audit.newest(connection, 1000, subject=CUSTOMER)]


def test_an_agent_reads_notes_promises_answers_and_settles_on_one_page_and_all_of_it_is_audited(
    own_home: Path,
) -> None:
    before = len(audited())  # pages of other tests have looked, too
    app = customer_page()
    assert not app.exception
    shown = html_of(app)
    assert "They have waited 8 hours for an answer by SMS about late parcel" in shown
    assert "Ticket T-1" in shown
    assert audited()[: len(audited()) - before] == ["customer.look"]

    app.text_area(key=f"note_{CUSTOMER}").set_value(HOSTILE)
    press(app, "Keep the note")
    assert "The note is kept." in html_of(app)
    assert app.text_area(key=f"note_{CUSTOMER}").value == ""
    app.text_input(key=f"promise_{CUSTOMER}").set_value("Call back about the lamp")
    press(app, "Keep it in mind")
    assert "Demo admin promised by 31 October 2026: “Call back about the lamp”" in html_of(app)

    sms = next(button.label for button in app.button if button.label.startswith("Send to"))
    app.text_area(key=f"write_{CUSTOMER}_sms_body").set_value("It is on its way.")
    press(app, sms)
    assert "It is on its way, and goes within minutes." in html_of(app)
    assert "Answered just now" in html_of(app)
    press(app, "Kept")
    assert "is settled: kept" in html_of(app)
    assert "<script" not in html_of(app)
    assert "&lt;script&gt;" in html_of(app)
    assert audited()[: len(audited()) - before] == [
        "follow_up.kept",
        "customer.write",
        "follow_up.promise",
        "note.write",
        "customer.look",
    ]
    with open_store(read_settings()) as store, store.read() as connection:
        (row,) = connection.execute(select(messages)).all()
    assert (row.body, row.state, row.message_class) == ("It is on its way.", "queued", "conversational")


def test_words_that_were_begun_are_there_again_in_the_next_session_until_they_are_kept_or_sent(
    own_home: Path,
) -> None:
    answer, note = f"write_{CUSTOMER}_sms_body", f"note_{CUSTOMER}"
    app = customer_page()
    assert not any(each.proto.expanded for each in app.expander if each.label == "Write now")
    app.text_area(key=answer).set_value("It will come on Monday.").run()
    app.text_area(key=note).set_value("Likes it blue.").run()
    app.switch_page("app.py").run()
    again = customer_page()
    assert again.text_area(key=answer).value == "It will come on Monday."
    assert again.text_area(key=note).value == "Likes it blue."
    assert all(each.proto.expanded for each in again.expander if each.label == "Write now")
    press(again, "Keep the note")
    again.switch_page("app.py").run()
    third = customer_page()
    assert (third.text_area(key=answer).value, third.text_area(key=note).value) == (
        "It will come on Monday.",
        "",
    )


def test_the_timeline_is_searched_by_words_and_read_as_of_a_day_and_two_customers_become_one(
    own_home: Path,
) -> None:
    app = customer_page()
    app.text_input(key="timeline_words").set_value("WHERE evil").run()
    found = html_of(app).count("r-touch ")
    assert found > 0
    app.text_input(key="timeline_words").set_value("nobody said this").run()
    assert "Take a filter away" in html_of(app)
    app.text_input(key="timeline_words").set_value("").run()
    app.date_input(key="timeline_day").set_value(AS_OF.date() - timedelta(days=900)).run()
    assert html_of(app).count("r-touch ") == 0

    other = f"cus_{1:032x}"
    app.text_input(key=f"merge_{CUSTOMER}_b").set_value(other)
    press(app, "They are one person")
    assert "reason is empty" in html_of(app)
    app.text_input(key=f"merge_{CUSTOMER}_b").set_value(other)
    app.text_input(key=f"merge_{CUSTOMER}_why").set_value("Called from both")
    press(app, "They are one person")
    assert "The next build does it" in html_of(app)
    assert "shopify/line/0 and shopify/line/1 are one person" in html_of(app)
    assert any(
        "What ties the records together" in str(chart.proto.alt) for chart in app.get("vega_lite_chart")
    )


def test_a_promise_is_due_when_work_ends_or_with_the_day_where_that_has_passed() -> None:
    now = datetime.fromisoformat("2026-07-01T17:30")
    assert due_at(now.date(), "Europe/London", now) == datetime.fromisoformat("2026-07-01T22:59:59")
    later = now.date() + timedelta(days=1)
    assert due_at(later, "Europe/London", now) == datetime.fromisoformat("2026-07-02T16:00")


def test_how_fast_somebody_answers_is_told_the_fastest_channel_first() -> None:
    assert (
        answering({"email": 172_800, "sms": 360})
        == "Usually answers by SMS in 6 minutes, by E-mail in 2 days."
    )


def link(left: int, right: int) -> Evidence:
    facts: dict[str, Any] = dict.fromkeys(
        ("source_record_id", "origin_table", "first_seen_at", "last_seen_at")
    )
    nodes = [Node("email", f"a{number:03}@example.com") for number in (left, right)]
    return Evidence(kind="deterministic", left=nodes[0], right=nodes[1], source="crm", records=1, **facts)


def test_a_picture_puts_every_node_at_its_own_place_and_a_crowd_stays_small() -> None:
    placed = place([link(0, 1), link(0, 2), link(2, 3), link(3, 0), link(8, 9)])
    assert len(placed) == 6
    assert len({(each.column, each.row) for each in placed}) == len(placed)
    columns = {each.node.match_key[1:4]: int(each.column) for each in placed}
    assert (columns["000"], columns["001"], columns["003"]) == (0, 1, 1)
    assert len(place([link(0, number) for number in range(1, 60)])) == MOST
    assert place([]) == []
