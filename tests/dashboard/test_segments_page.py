"""The page of segments: a list, two editors of one text, whom a segment holds, lists, and who may do what there."""

import shutil
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard.components.segment_draft import name_of
from dashboard.components.segment_lines import did, often_of, read
from dashboard.components.segment_list import UNCOUNTABLE, as_it_is, shortened
from dashboard.components.segment_people import people_table
from dashboard.components.segment_words import operator, when
from dashboard.services import desk_of, services
from data_contracts.contracts import published_contract
from data_contracts.errors import ReleaseError
from messaging import audit
from messaging.access import Role
from messaging.campaigns import fill_library
from messaging.desk.segments import count_behind, listed
from messaging.segments.rules import Ago, Did, Touches
from messaging.settings import read_settings
from messaging.store import open_store
from tests.dashboard.conftest import come_in

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
HOSTILE = "<script>alert(1)</script> ![x](https://evil.example/x.png) \u202etxt =HYPERLINK(1)"
TEXT = f"""\
# Asked for by the shop.
title: "{HOSTILE.replace('"', "")}"
where:
  all:
    - {{column: order_count, test: ">=", value: 1}}
    - {{did: {{kind: order}}, within_days: 365}}
"""


@pytest.fixture
def own_home(company: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a copy of the company with its library and a segment of its own, and a name in it that means harm."""
    copy = tmp_path / "own"
    shutil.copytree(company, copy)
    monkeypatch.setenv("RAPPORT_HOME", str(copy))
    settings = read_settings()
    fill_library(settings)
    for path in (settings.library_dir / "segments").glob("*.yaml"):
        if path.stem not in {"everybody", "lapsed_customers"}:
            path.unlink()
    (settings.library_dir / "segments" / "buyers.yaml").write_text(TEXT)
    (file,) = (copy / "releases").glob("*.duckdb")
    with duckdb.connect(str(file)) as release:
        release.execute("UPDATE customer_360 SET display_name = ? WHERE order_count > 0", [HOSTILE])
    return copy


def page(segment: str = "") -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.run()
    if segment:
        app.query_params["segment"] = segment
    return app.switch_page("pages/segments.py").run()


def html_of(app: AppTest) -> str:
    return "\n".join(str(block.proto.body) for block in app.get("html"))


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def audited(action: str) -> list[tuple[str, str]]:
    with open_store(read_settings()) as store, store.read() as connection:
        return [(row["actor"], row["subject"]) for row in audit.newest(connection, 99, action=action)]


def test_a_marketer_opens_a_segment_edits_it_by_form_and_by_yaml_saves_and_exports_it(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    come_in(monkeypatch, "marketer")
    app = page()
    assert not app.exception
    assert "Orders: at least 1 and an order at least once within the last 365 days" in html_of(app)
    label = app.button(key="open_buyers").label
    assert label.startswith(r"\<script\>")
    assert r"\!\[x\]\(https\:\/\/evil" in label  # a picture in a label would be fetched
    app.button(key="open_buyers").click().run()
    assert not app.exception
    shown = html_of(app)
    assert "In the segment" in shown
    assert "Reachable by SMS" in shown
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert "@example.com" not in shown
    assert audited("segment.preview") == [("Demo marketer", "buyers")]

    app.number_input(key="seg_0_value0").set_value(3).run()
    text = app.text_area(key="seg_yaml").value
    assert text.startswith("# Asked for by the shop.\n")
    assert "{column: order_count, test: '>=', value: 3}" in text
    press(app, "Add a condition")
    app.selectbox(key="seg_2_about").set_value("column:lifecycle_stage").run()
    app.multiselect(key="seg_2_values").set_value(["active", "lapsed"]).run()
    app.selectbox(key="seg_1_days").set_value(0).run()
    press(app, "Add a condition")
    app.selectbox(key="seg_3_about").set_value("column:net_revenue_minor").run()
    app.number_input(key="seg_3_value0").set_value(12.34).run()
    assert "{column: net_revenue_minor, test: '>=', value: 1234}" in app.text_area(key="seg_yaml").value
    app.selectbox(key="seg_3_test").set_value(("between", True)).run()
    assert (
        "not: {column: net_revenue_minor, test: between, value: [1234, 1234]}"
        in app.text_area(key="seg_yaml").value
    )
    press(app, "Add a group")
    assert (
        "- {column: lifecycle_stage, test: in, value: [active, lapsed]}"
        in app.text_area(key="seg_yaml").value
    )
    app.text_area(key="seg_yaml").set_value(text.replace("order_count", "order_cuont")).run()
    assert not app.exception
    assert "line 5: customer_360 has no column" in html_of(app)
    assert "The form waits for the YAML" in html_of(app)
    app.text_area(key="seg_yaml").set_value(text.replace("value: 3", "value: 2")).run()
    assert app.number_input(key="seg_0_value0").value == 2
    press(app, "Save")
    assert "Saved. Campaigns use it" in html_of(app)
    path = read_settings().library_dir / "segments" / "buyers.yaml"
    assert "value: 2" in path.read_text()
    assert audited("segment.save") == [("Demo marketer", "buyers")]

    app.multiselect(key="seg_overlap_buyers").set_value(["everybody"]).run()
    assert any("who are in others too" in str(chart.proto.alt) for chart in app.get("vega_lite_chart"))
    press(app, "Who came and who left since the last time?")
    assert "There is no release before the newest one" in html_of(app)
    press(app, "Make the CSV")
    assert audited("segment.export") == [("Demo marketer", "buyers")]
    assert any(
        r"Download buyers\-2026\-10\-30\.csv" in str(each.proto.label) for each in app.get("download_button")
    )


def test_sizes_are_counted_behind_the_page_and_one_that_cannot_be_counted_says_why(own_home: Path) -> None:
    folder = read_settings().library_dir / "segments"
    (folder / "fair.yaml").write_text("title: At the fair\nwhere: {list: trade_fair}\n")
    parts = services()
    desk = desk_of(parts)
    before = {each.name: each.size for each in listed(desk)}
    assert set(before.values()) == {None}
    one_by_one = [count_behind(desk, [*before][place:], 0) for place in range(len(before))]
    assert [[*each] for each in one_by_one] == [[name] for name in before]
    failed = {name: error for done in one_by_one for name, error in done.items() if error}
    assert [*failed] == ["fair"]
    assert "trade_fair" in str(failed["fair"])
    newest = parts.customers.release().version
    assert {each.size.release_version for each in listed(desk) if each.size} == {newest}
    assert [each.name for each in listed(desk) if not each.size] == ["fair"]


def test_a_segment_that_could_not_be_counted_is_counted_once_it_says_something_else(own_home: Path) -> None:
    file = read_settings().library_dir / "segments" / "fair.yaml"
    file.write_text("title: At the fair\nwhere: {list: trade_fair}\n")
    parts = services()
    (fair,) = [each for each in listed(desk_of(parts)) if each.name == "fair"]
    release = parts.customers.release().version
    app = page()
    app.session_state[UNCOUNTABLE] = {
        as_it_is(fair, release): ReleaseError("It takes too long.", "Ask less.")
    }
    assert "It takes too long. Ask less." in html_of(app.run())
    file.write_text("title: At the fair\nwhere: {column: order_count, test: '>=', value: 1}\n")
    st.cache_data.clear()
    shown = html_of(app.run())
    assert "Orders: at least 1" in shown
    assert "It takes too long" not in shown


def test_of_two_editors_the_second_is_told_and_may_read_again(own_home: Path) -> None:
    app = page("buyers")
    app.number_input(key="seg_0_value0").set_value(9).run()
    path = read_settings().library_dir / "segments" / "buyers.yaml"
    path.write_text(TEXT.replace("365", "30"))
    press(app, "Save")
    assert "was changed by somebody else since you read it" in html_of(app)
    assert "365" not in path.read_text()
    press(app, "Undo my changes")
    assert app.number_input(key="seg_0_value0").value == 1
    assert app.selectbox(key="seg_1_days").value == 30


def test_a_viewer_sees_how_many_they_are_and_neither_who_nor_a_way_to_save(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    come_in(monkeypatch, "viewer")
    app = page("buyers")
    assert not app.exception
    assert "Your role sees how many they are, not who." in html_of(app)
    labels = {button.label for button in app.button}
    assert labels.isdisjoint({"Save", "Make the CSV", "Who came and who left since the last time?"})
    app.number_input(key="seg_0_value0").set_value(2).run()
    assert "Save" not in {button.label for button in app.button}
    assert audited("segment") == []


@pytest.mark.parametrize(
    ("role", "guess", "unseen"),
    [
        ("viewer", "{column: email, test: contains, value: ada}", "“E-mail”"),
        ("engineer", "{did: {kind: email, says: parcel}}", "what was written"),
    ],
)
def test_what_somebody_may_not_see_they_cannot_find_out_by_conditions_either(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, role: Role, guess: str, unseen: str
) -> None:
    come_in(monkeypatch, role)
    app = page("buyers")
    text = app.text_area(key="seg_yaml").value
    app.text_area(key="seg_yaml").set_value(text.replace("- {column", f"- {guess}\n    - {{column", 1)).run()
    assert not app.exception
    shown = html_of(app)
    assert f"Your role does not see {unseen}" in shown
    assert "In the segment" not in shown
    press(app, "Undo my changes")
    assert "In the segment" in html_of(app)


def test_a_new_segment_begins_with_a_title_and_drafts_of_several_are_kept_while_one_looks_around(
    own_home: Path,
) -> None:
    app = page()
    app.text_input(key="seg_new_title").set_value("Everybody")
    press(app, "Begin")
    assert "There is a segment &#x27;everybody&#x27; already" in html_of(app)
    app.text_input(key="seg_new_title").set_value("Bought lamps, twice!")
    press(app, "Begin")
    assert app.query_params["segment"] == "bought_lamps_twice"
    app.number_input(key="seg_0_value0").set_value(2).run()
    press(app, "← All segments")
    app.button(key="open_buyers").click().run()
    press(app, "← All segments")
    press(app, r"Go on with bought\_lamps\_twice")
    assert app.number_input(key="seg_0_value0").value == 2
    press(app, "Save")
    path = read_settings().library_dir / "segments" / "bought_lamps_twice.yaml"
    assert path.read_text().startswith("title: 'Bought lamps, twice!'\nwhere:\n  all:\n")


def test_a_list_is_uploaded_named_by_a_condition_and_removed(own_home: Path) -> None:
    app = page()
    file = f"customer_id\ncus_{1:032x}\ncus_{2:032x}\ncus_nobody\n".encode()
    app.file_uploader(key="seg_file").set_value(("fair.csv", file, "text/csv"))
    app.text_input(key="seg_list").set_value("trade_fair")
    press(app, "Upload")
    assert not app.exception
    assert "2 people are on the list trade_fair, of 3 rows." in html_of(app)
    assert "lines name nobody whom we know: 4" in html_of(app)
    app.button(key="open_everybody").click().run()
    app.selectbox(key="seg_0_about").set_value("list:trade_fair").run()
    assert ">2</div>" in html_of(app)
    press(app, "← All segments")
    app.button(key="remove_trade_fair").click().run()
    assert "The list trade_fair is gone." in html_of(app)
    assert [subject for _, subject in audited("list")] == ["trade_fair", "trade_fair"]


def test_a_segment_that_there_is_not_and_one_that_names_a_lost_list_are_told(own_home: Path) -> None:
    folder = read_settings().library_dir / "segments"
    (folder / "lost.yaml").write_text("where: {list: never}")
    app = page("nobody_wrote_it")
    assert not app.exception
    assert "There is no segment" in html_of(app)
    app.query_params["segment"] = "lost"
    app.run()
    assert not app.exception
    assert "There is no list" in html_of(app)
    assert "List: never" in app.selectbox(key="seg_0_about").options


@pytest.mark.parametrize(
    ("often", "times", "days", "rule"),
    [
        ("least", 2, 90, Did(Touches(), Ago(0, 90), 2, None)),
        ("most", 3, 0, Did(Touches(), Ago(), 0, 3)),
        ("exactly", 1, 7, Did(Touches(), Ago(0, 7), 1, 1)),
        ("never", 1, 0, Did(Touches(), Ago(), 0, 0)),
    ],
)
def test_how_often_somebody_did_something_is_chosen_and_read_again(
    often: str, times: int, days: int, rule: Did
) -> None:
    assert did(Did(Touches()), often, times, days) == rule
    assert often_of(rule) == (often, times)


def test_what_stands_in_a_widget_is_read_as_a_rule_has_it() -> None:
    assert read("money", 0.29, 2) == 29  # and not 28, as the product of these two floats would be cut
    assert read("money", 1500.0, 0) == 1500
    assert read("moment", date(2026, 10, 1), 2) == datetime.fromisoformat("2026-10-01T00:00")
    assert read("number", None, 2) is None


def test_the_forms_words_are_those_of_people() -> None:
    assert operator(">=", "moment", negated=False) == "was on or after"
    assert operator("newer than days", "moment", negated=True) == "not in the last"
    assert (when(0), when(90), when(45)) == ("ever", "in 90 days", "in 45 days")
    assert name_of("  Käufer: 2 Lampen! ") == "kaufer_2_lampen"
    assert name_of("???") == ""
    assert name_of("常連客").startswith("segment_")
    assert name_of("常連客") != name_of("会員")
    assert shortened("word " * 60).endswith("word …")


def test_a_table_of_people_shows_hostile_words_as_words() -> None:
    row = {
        "customer_id": 'cus_1"><b>',
        "display_name": HOSTILE,
        "favourite_category": HOSTILE,
        "last_order_at": datetime.fromisoformat("2026-10-01T12:00"),
        "net_revenue_minor": 123456,
        "email_reachable": True,
        "churn_risk": None,
    }
    table = people_table([row], published_contract("customer_360"), "GBP", "Europe/London")
    assert "<script" not in table
    assert 'cus_1">' not in table
    assert table.count("&lt;script&gt;") == 2
    assert "£1,234.56" in table
    assert "1 Oct 2026" in table
