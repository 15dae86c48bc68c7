"""Each page on a small company, as Streamlit runs it, without a browser."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import services
from messaging.customers import CampaignFigures, Overview
from messaging.planner import list_runs, report
from messaging.settings import read_settings
from messaging.store import open_store

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
CUSTOMER = f"cus_{5:032x}"


def open_page(page: str = "", **parameters: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60)
    for name, value in parameters.items():
        app.query_params[name] = value
    app.run()
    if page:
        app.switch_page(f"pages/{page}.py").run()
    return app


def win_back() -> AppTest:
    """Open the page of one campaign."""
    return open_page("campaigns", campaign="win_back")


def html_of(app: AppTest) -> str:
    return "\n".join(str(block.proto.body) for block in app.get("html"))


def charts_of(app: AppTest) -> list[str]:
    return [str(chart.proto.alt) for chart in app.get("vega_lite_chart")]


def titles(app: AppTest) -> list[str]:
    return [*(title.value for title in app.title), *(heading.value for heading in app.subheader)]


def test_the_overview_tells_people_reach_revenue_and_data_checks(home: Path) -> None:
    app = open_page()
    assert not app.exception
    parts_of_the_page = ["Overview", "Needs you today", "How we answer", "Campaigns", "Touches by week"]
    assert titles(app) == [*parts_of_the_page, "Net revenue by month", "Where people stand", "Data checks"]
    shown = html_of(app)
    assert ">240</div>" in shown
    assert "SANDBOX" in shown
    assert "Demo clock</b><span>Fri 30 Oct 2026, 12:00" in shown
    assert "5,000 rows" in shown
    assert "Broken: Email pattern" in shown
    assert "Campaigns can rely on every table." in shown
    assert len(charts_of(app)) == 3
    assert all(charts_of(app))  # each is read to those who cannot see it


def test_what_a_campaign_brought_is_said_to_be_so_far_while_its_days_run(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = services.overview

    def with_campaigns(parts: services.Services) -> Overview:
        figures = counted(parts)
        young, old = (
            CampaignFigures("young", 9, 9, 0, 0, 0, 9, 0, 0, figures.as_of - timedelta(days=1)),
            CampaignFigures("old", 9, 9, 0, 0, 0, 9, 3, 0, figures.as_of - timedelta(days=31)),
        )
        return replace(figures, campaigns=(young, old))

    monkeypatch.setattr(services, "overview", with_campaigns)
    shown = html_of(open_page())
    assert "0 % bought so far, held out 0 %" in shown
    assert "33 % bought, held out 0 %" in shown


def test_an_empty_home_says_what_to_do_on_every_page(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_HOME", str(tmp_path / "fresh"))
    for page in ("", "customers", "campaigns"):
        app = open_page(page)
        assert not app.exception
        assert "make demo" in html_of(app) or "rapport build" in html_of(app)


def test_a_broken_release_is_told_as_a_sentence_and_its_mend(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    (broken / "releases").mkdir(parents=True)
    (broken / "releases" / "current.json").write_text("{")
    monkeypatch.setenv("RAPPORT_HOME", str(broken))
    app = open_page()
    assert not app.exception
    assert "cannot be read as a release" in html_of(app)
    assert "Traceback" not in html_of(app)


def test_customers_asks_whom_you_look_for(home: Path) -> None:
    app = open_page("customers")
    assert not app.exception
    assert "Whom are you looking for?" in html_of(app)


def test_a_name_gives_several_people_to_choose_from(home: Path) -> None:
    app = open_page("customers")
    app.text_input[0].set_value("Lovelace").run()
    assert not app.exception
    assert "people found" in titles(app)[-1]
    app.button[0].click().run()
    assert not app.exception
    assert "Timeline" in titles(app)


def test_an_exact_address_opens_its_card_at_once(home: Path) -> None:
    app = open_page("customers")
    app.text_input[0].set_value("grace.1@example.com").run()
    assert not app.exception
    assert "Grace Lovelace" in html_of(app)
    about = {"May we write, and where?", "Parcels", "Orders", "Known by", "Why is this one person?"}
    about |= {"Service", "How they feel", "What they are worth", "How they answer"}
    about |= {"In short", "Follow-ups", "Notes"}
    assert set(titles(app)) <= {"Customers", *about, "Timeline"}
    assert "Timeline" in titles(app)


def test_a_search_for_nobody_says_what_else_to_try(home: Path) -> None:
    app = open_page("customers")
    app.text_input[0].set_value("nobody@nowhere.example").run()
    assert "Nobody found for" in html_of(app)


def test_an_address_that_names_a_customer_opens_the_card(home: Path) -> None:
    app = open_page("customers", customer=CUSTOMER)
    assert not app.exception
    assert "r-timeline" in html_of(app)


def test_an_old_or_unknown_customer_in_the_address_is_told(home: Path) -> None:
    app = open_page("customers", customer="cus_nobody")
    assert not app.exception
    assert "There is no customer" in html_of(app)


def test_the_card_says_which_record_each_detail_was_taken_from(home: Path) -> None:
    app = open_page("customers", customer=CUSTOMER)
    assert "Where do these details come from?" in [fold.label for fold in app.expander]
    assert "E-mail, from the shopify contact record, 30 Sep 2026; 2 other values" in html_of(app)


def test_the_card_says_why_it_is_one_person_and_who_was_left_apart(home: Path) -> None:
    first, apart, alike = (f"cus_{number:032x}" for number in range(3))
    app = open_page("customers", customer=first)
    assert not app.exception
    shown = html_of(app)
    assert ": 1 from shopify." in shown
    assert f"({first})" not in shown, "its id stands above the card's sentences already"
    assert "were given together in 4 chat messages (chat)" in shown
    assert f'href="customers?customer={apart}"' in shown, "who was left apart is a step away"
    assert f'href="customers?customer={alike}"' in shown, "so is who is under review"
    assert f"cus_old became part of {first}" in shown
    assert [fold.label for fold in app.expander].count("What speaks for it, and what against") == 2
    assert any("probability of 61.0 %" in alternative for alternative in charts_of(app))


def test_what_customers_wrote_is_shown_as_text_on_their_card(home: Path) -> None:
    shown = [html_of(open_page("customers", customer=f"cus_{number:032x}")) for number in range(6)]
    assert any("&lt;script&gt;" in page for page in shown)
    assert not any("<script>" in page for page in shown)


def test_the_timeline_can_be_narrowed_to_a_channel(home: Path) -> None:
    app = open_page("customers", customer=CUSTOMER)
    everything = html_of(app).count("r-touch ")
    app.button_group(key="timeline_channels").set_value(["chat"]).run()
    assert 0 < html_of(app).count("r-touch ") < everything


@pytest.fixture
def own_home(company: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a copy of the company whose store a test may write to."""
    copy = tmp_path / "own"
    shutil.copytree(company, copy)
    monkeypatch.setenv("RAPPORT_HOME", str(copy))
    return copy


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def test_a_campaign_without_a_run_shows_whom_it_is_for_and_offers_to_plan(own_home: Path) -> None:
    app = win_back()
    assert not app.exception
    shown = html_of(app)
    assert "Lapsed customers" in shown
    assert "10 % held out to compare" in shown
    assert [button.label for button in app.button] == ["← All campaigns", "Plan it now"]


def test_a_plan_shows_a_sum_that_closes_real_messages_and_the_next_step(own_home: Path) -> None:
    app = press(win_back(), "Plan it now")
    assert not app.exception
    shown = html_of(app)
    told = report(open_store(read_settings()), list_runs(open_store(read_settings()), "win_back")[0].run_id)
    assert f"<b>{told.matched} matched</b> = {told.to_send} get the message" in shown
    assert shown.count('class="r-phone"') + shown.count('class="r-mail"') == 3
    assert "Approve this plan" in [button.label for button in app.button]
    assert f'aria-label="Matched: {told.matched} of {told.matched}"' in shown


def test_a_run_is_approved_launched_paused_resumed_and_stopped_from_the_page(own_home: Path) -> None:
    app = press(win_back(), "Plan it now")
    for label, state in (
        ("Approve this plan", "approved"),
        ("Launch", "running"),
        ("Pause", "paused"),
        ("Go on", "running"),
        ("Stop for good", "stopped"),
    ):
        press(app, label)
        assert not app.exception
        assert list_runs(open_store(read_settings()), "win_back")[0].state == state
    assert "Plan it now" in [button.label for button in app.button]


def test_a_refused_step_is_told_as_a_sentence(own_home: Path) -> None:
    app = press(win_back(), "Plan it now")
    segment = own_home / "library" / "segments" / "lapsed_customers.yaml"
    segment.write_text(segment.read_text() + "\n# touched\n")
    press(app, "Approve this plan")
    assert not app.exception
    assert "have changed since run" in html_of(app)


def test_each_group_of_the_sum_can_be_read_person_by_person(own_home: Path) -> None:
    app = press(win_back(), "Plan it now")
    press(app, "Held out to compare")
    assert not app.exception
    assert "Held out by lot" in html_of(app)
    assert 'href="customers?customer=cus_' in html_of(app)


def test_a_broken_campaign_file_is_told_with_its_mend(own_home: Path) -> None:
    open_page("campaigns")
    (own_home / "library" / "campaigns" / "win_back.yaml").write_text("title: [")
    app = win_back()
    assert not app.exception
    assert "cannot be read as YAML at line 1" in html_of(app)
