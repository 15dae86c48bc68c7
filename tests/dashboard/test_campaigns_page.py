"""The page of campaigns: the list and the calendar, the file as a form and as YAML, the report, and why."""

import re
import shutil
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.components.campaign_calendar import draw
from dashboard.components.campaign_editing import begin
from dashboard.components.desk import TOLD
from dashboard.services import services
from messaging.access import Role
from messaging.audit import newest
from messaging.planner import Appointment, Shadows, build_planner
from messaging.settings import read_settings
from messaging.store import open_store

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
CUSTOMER = f"cus_{5:032x}"


@pytest.fixture
def own_home(company: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "own"
    shutil.copytree(company, copy)
    monkeypatch.setenv("RAPPORT_HOME", str(copy))
    return copy


def campaigns(**query: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    return app.switch_page("pages/campaigns.py").run()


def html_of(app: AppTest) -> str:
    return "\n".join(str(block.proto.body) for block in app.get("html"))


def labelled(elements: object, label: str) -> object:
    return next(each for each in elements if each.label == label)  # type: ignore[attr-defined]


def the_text(app: AppTest) -> object:
    return labelled(app.text_area, "The file's text")


def file_of(home: Path) -> Path:
    return home / "library" / "campaigns" / "win_back.yaml"


def test_all_campaigns_are_listed_and_a_broken_one_tells_its_line(own_home: Path) -> None:
    campaigns()
    file_of(own_home).write_text("title: [")
    app = campaigns()
    assert not app.exception
    shown = html_of(app)
    assert 'href="campaigns?campaign=welcome"' in shown
    assert "cannot be read as YAML at line 1" in shown
    assert "Cannot be read" in shown
    assert [tab.label for tab in app.tabs] == ["All campaigns", "Calendar", "Why, and why not"]
    assert "October 2026" in shown


def test_the_form_and_the_file_change_one_another_and_only_what_was_read_is_written_over(
    own_home: Path,
) -> None:
    app = campaigns(campaign="win_back", tab="Edit")
    before = file_of(own_home).read_text()
    labelled(app.text_input, "Title").set_value("Come back").run()
    assert the_text(app).value == before.replace("Win back lapsed customers", "Come back")
    the_text(app).set_value(the_text(app).value.replace("Come back", "Back again")).run()
    assert labelled(app.text_input, "Title").value == "Back again"
    labelled(app.button, "Save").click().run()
    assert not app.exception
    assert file_of(own_home).read_text() == before.replace("Win back lapsed customers", "Back again")
    file_of(own_home).write_text(before)  # somebody else, meanwhile
    labelled(app.text_input, "Title").set_value("Mine").run()
    labelled(app.button, "Save").click().run()
    assert "was changed by somebody else" in html_of(app)
    assert file_of(own_home).read_text() == before
    labelled(app.button, "Read the file again").click().run()
    assert the_text(app).value == before


def test_what_is_wrong_with_a_file_is_told_before_it_is_saved_and_the_form_waits(own_home: Path) -> None:
    app = campaigns(campaign="win_back", tab="Edit")
    before = file_of(own_home).read_text()
    the_text(app).set_value(before.replace("channels:", "chanels:")).run()
    assert "chanels" in html_of(app)
    the_text(app).set_value("title: [").run()
    assert "The form comes back when the file can be read" in html_of(app)
    labelled(app.button, "Save").click().run()
    assert file_of(own_home).read_text() == before


def test_a_schedule_is_made_by_the_form(own_home: Path) -> None:
    app = campaigns(campaign="win_back", tab="Edit")
    labelled(app.selectbox, "When").select("week").run()
    labelled(app.selectbox, "On").select("friday").run()
    labelled(app.text_input, "At").set_value("09:30").run()
    assert re.search(r'schedule:\n  at: "09:30"\n  every: week\n  (")?on(")?: friday', the_text(app).value)
    assert "This can be planned as it stands" in html_of(app)
    labelled(app.selectbox, "When").select("").run()
    assert "schedule" not in the_text(app).value


def test_a_new_campaign_begins_in_the_editor_and_one_name_is_one_campaign(own_home: Path) -> None:
    app = campaigns()
    labelled(app.text_input, "A new campaign").set_value("Spring: lamps!")
    labelled(app.button, "Begin").click().run()
    assert not app.exception
    assert "Spring: lamps!" in the_text(app).value
    labelled(app.button, "Save").click().run()
    assert (own_home / "library" / "campaigns" / "spring_lamps.yaml").exists()
    again = campaigns()
    labelled(again.text_input, "A new campaign").set_value("win back")
    labelled(again.button, "Begin").click().run()
    assert "There is a campaign &#x27;win_back&#x27;" in html_of(again)


def test_a_campaign_begins_as_another_campaign_and_as_no_other_file(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = own_home / "secret.yaml"
    secret.write_text("password: tulip\n")
    campaigns()
    state: dict[str, object] = {}
    monkeypatch.setattr("streamlit.session_state", state)
    for like in (str(secret.with_suffix("")), "../../secret"):  # as a browser may claim that it was chosen
        assert begin(services(), "Spring", like) is None
        assert "There is no campaign" in str(state.pop(TOLD))
    assert "tulip" not in str(state)


def test_what_is_written_and_not_saved_stays_while_one_looks_at_all_campaigns(own_home: Path) -> None:
    app = campaigns()
    labelled(app.text_input, "A new campaign").set_value("Frühling für alle")
    labelled(app.button, "Begin").click().run()
    labelled(app.text_area, "What it is for").set_value("Lamps in spring").run()
    labelled(app.button, "← All campaigns").click().run()
    assert not app.exception
    labelled(app.button, "Go on with Fruhling fur alle\\, which is not saved").click().run()
    assert "Lamps in spring" in the_text(app).value
    labelled(app.button, "Save").click().run()
    assert (own_home / "library" / "campaigns" / "fruhling_fur_alle.yaml").exists()
    labelled(app.button, "← All campaigns").click().run()
    assert not [each for each in app.button if each.label.startswith("Go on with")]


def test_what_a_step_brought_is_told_of_its_own_run_alone(own_home: Path) -> None:
    app = campaigns(campaign="win_back")
    for label in ("Plan it now", "Discard it", "Plan it now", "Approve this plan"):
        labelled(app.button, label).click().run()
    approved = "Approved: exactly what you see here will run."
    assert approved in html_of(app)
    labelled(app.selectbox, "Run").set_value(labelled(app.selectbox, "Run").options[1])
    labelled(app.selectbox, "Run").select_index(1).run()
    assert not app.exception
    assert approved not in html_of(app)


def test_a_viewer_reads_a_campaigns_file_and_cannot_write_it(
    own_home: Path, sign_in_as: Callable[[Role], None]
) -> None:
    sign_in_as("viewer")
    app = campaigns(campaign="win_back", tab="Edit")
    assert the_text(app).disabled
    assert "Save" not in [button.label for button in app.button]


def test_the_report_and_why_answer_for_a_planned_run(own_home: Path) -> None:
    app = campaigns(campaign="win_back")
    labelled(app.button, "Plan it now").click().run()
    report = campaigns(campaign="win_back", tab="Report")
    assert not report.exception
    assert "Nobody was held out to compare with, or it was not launched yet" in html_of(report)
    why = campaigns()
    labelled(why.text_input, "A customer").set_value("grace.1@example.com").run()
    labelled(why.selectbox, "Campaign").select("win_back").run()
    assert "The newest run of &#x27;win_back&#x27; was planned on" in html_of(why)
    labelled(why.text_input, "A message's id").set_value("msg_none").run()
    assert "There is no message" in html_of(why)


def test_a_review_names_who_is_still_wanted_and_leads_from_a_person_to_why_and_every_look_is_audited(
    own_home: Path,
) -> None:
    campaigns()
    before = file_of(own_home)
    hostile = "<script>x</script> ![x](https://evil.example) =1"
    text = before.read_text().replace("Win back lapsed customers", f"'{hostile}'")
    before.write_text(f"{text}approval: {{people: 2}}\n")
    app = campaigns(campaign="win_back")
    labelled(app.button, "Plan it now").click().run()
    assert not app.exception
    shown = html_of(app)
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert not any("evil" in each.value for each in (*app.subheader, *app.markdown))
    assert "Two more people have to approve it" in shown
    labelled(app.button, "Approve this plan").click().run()
    assert "One more person has to approve it, beside" in html_of(app)
    message_id = re.search(r'campaigns\?why=([^"]+)"', shown)
    assert message_id
    left_out = next(each for each in app.button if each.label == "Never said yes")
    left_out.click().run()
    left_out.click().run()
    why = campaigns(why=message_id.group(1))
    assert not why.exception
    steps = [each.value[:2] for each in why.subheader if each.value[0].isdigit()]
    assert steps[:6] == ["1.", "2.", "3.", "4.", "5.", "6."]
    with open_store(read_settings()) as store, store.read() as connection:
        looks = newest(connection, 20, action="campaign.look")
    parts = [each["detail"]["part"] for each in reversed(looks)]
    assert parts == ["send, page 1", "samples", "no_consent, page 1"]


def test_a_campaign_in_shadow_shows_what_each_day_would_have_sent(own_home: Path) -> None:
    campaigns()
    file = file_of(own_home)
    text = file.read_text()
    file.write_text(f"{text}shadow: true\n")
    assert "No day was planned yet" in html_of(campaigns(campaign="win_back"))
    with open_store(read_settings()) as store:
        planner = build_planner(read_settings(), store=store)
        assert Shadows(planner).plan("win_back", anew=True)
        planner.customers.close()
    shown = html_of(campaigns(campaign="win_back"))
    assert re.search(r"Fri 30 Oct<div[^>]*>\d+ matched, \d+ held out", shown)


def test_a_month_shows_each_appointment_on_its_day_in_the_readers_zone_as_text() -> None:
    late = Appointment(datetime.fromisoformat("2026-10-30T23:30"), "win_back", "due")
    hostile = Appointment(datetime.fromisoformat("2026-10-05T10:00"), "<script>", "missed", told="<b>no</b>")
    many = [
        Appointment(datetime.fromisoformat(f"2026-10-07T{hour:02}:00"), "welcome", "launched")
        for hour in range(6)
    ]
    shown = draw(date(2026, 10, 1), [late, hostile, *many], date(2026, 10, 30), "Europe/Berlin")
    assert "<script>" not in shown
    assert "<b>no" not in shown
    assert re.search(r'31</span><div class="r-appointment r-brand" title="Win back is due at 00:30">', shown)
    assert "and 2 more" in shown
    assert shown.count("r-today") == 1
