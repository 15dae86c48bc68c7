"""Consent and privacy: a person's file, what they say to it, and the record of processing."""

import json
import shutil
from collections.abc import Callable
from datetime import date, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from data_contracts.errors import UsageError
from messaging import audit
from messaging.access import Role
from messaging.cli import app as cli
from messaging.clock import Clock
from messaging.customers import Customers
from messaging.desk.privacy import take_no
from messaging.desk.processing import processing, written
from messaging.settings import read_settings
from messaging.store import open_store
from messaging.webhooks.words import all_words

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
CUSTOMER = f"cus_{5:032x}"
NOON = datetime.fromisoformat("2026-10-30T12:00")


@pytest.fixture
def own_home(company: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "own"
    shutil.copytree(company, copy)
    monkeypatch.setenv("RAPPORT_HOME", str(copy))
    return copy


def privacy() -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.query_params["customer"] = CUSTOMER
    app.run()
    return app.switch_page("pages/privacy.py").run()


def html_of(app: AppTest) -> str:
    return "\n".join(str(block.proto.body) for block in app.get("html"))


def labelled(elements: Any, label: str) -> Any:
    return next(each for each in elements if each.label == label)


def marketing(channel: str) -> str:
    settings = read_settings()
    with open_store(settings) as store:
        customers = Customers(settings, store)
        found = {each.channel: each.state for each in customers.get(CUSTOMER, limit=1).consents}
        customers.close()
    return found[channel]


@pytest.mark.parametrize(
    "forged", [{"channel": "<b>"}, {"purpose": "everything"}, {"wording": "x" * 501}, {"method": "x" * 501}]
)
def test_a_no_of_a_channel_or_purpose_that_there_is_not_never_gets_into_the_chain(
    own_home: Path, forged: dict[str, Any]
) -> None:
    settings = read_settings()
    with open_store(settings) as store:
        customers = Customers(settings, store)
        said: dict[str, Any] = {"channel": "sms", "purpose": "marketing", "method": "by phone", "wording": ""}
        with pytest.raises(UsageError):
            take_no(customers, store, Clock(NOON), CUSTOMER, **(said | forged), actor="eve")
        with store.read() as connection:
            assert audit.newest(connection, 5, action="consent.revoke") == []
        customers.close()


def test_a_file_tells_what_is_held_what_was_said_and_who_looked(
    own_home: Path, sign_in_as: Callable[[Role], None]
) -> None:
    sign_in_as("privacy")
    app = privacy()
    assert not app.exception
    shown = html_of(app)
    assert "Inés Lovelace" in shown
    assert "from Twilio" in shown or "from Shopify" in shown
    assert "Demo privacy: consent.look" in shown
    app.run()
    with open_store(read_settings()) as store, store.read() as connection:
        looks = [
            each
            for each in audit.newest(connection, 20, subject=CUSTOMER)
            if each["action"] == "consent.look"
        ]
    assert len(looks) == 1  # to draw the page anew is no second look


def test_a_no_to_everything_counts_at_once_with_its_proof(own_home: Path) -> None:
    app = privacy()
    labelled(app.text_input, "Their words").set_value("<b>Stop it</b>")
    labelled(app.button, "Record it").click().run()
    assert not app.exception
    assert "Recorded. It counts from now on." in html_of(app)
    assert "&lt;b&gt;Stop it" in html_of(app)
    assert marketing("email") == marketing("sms") == "revoked"
    with open_store(read_settings()) as store, store.read() as connection:
        said = [
            each
            for each in audit.newest(connection, 20, subject=CUSTOMER)
            if each["action"] == "consent.revoke"
        ]
    assert len(said) == 5  # by every channel


def test_a_marketer_reads_consents_masked_and_records_no_word(
    own_home: Path, sign_in_as: Callable[[Role], None]
) -> None:
    sign_in_as("marketer")
    app = privacy()
    assert "ines.5@example.com" not in html_of(app)
    assert "Record it" not in [each.label for each in app.button]


def test_the_record_of_processing_names_every_table_and_how_long_it_is_kept() -> None:
    text = written("Harbour & Pine", "")
    assert "RAPPORT_COMPANY_ADDRESS is not set" in text
    for each in processing():
        assert f"### {each.name}\n" in text
    tickets = next(each for each in processing() if each.name == "tickets")
    assert tickets.retention == "3 years"
    assert tickets.personal
    result = CliRunner().invoke(cli, ["privacy", "record", "--json"])
    assert {each["name"] for each in json.loads(result.output)["processing"]} == {
        each.name for each in processing()
    }


def test_a_request_is_written_down_shown_with_its_clock_on_the_first_page_and_answered(
    own_home: Path, sign_in_as: Callable[[Role], None]
) -> None:
    sign_in_as("agent")
    app = privacy()
    labelled(app.selectbox, "What do they ask for?").select("erasure")
    labelled(app.text_input, "Who asks?").set_value("<b>Ada</b>, ada@example.com")
    labelled(app.date_input, "When?").set_value(date(2026, 9, 30))
    labelled(app.button, "Write it down").click().run()
    assert not app.exception
    told = [str(each.proto.body) for each in labelled(app.tabs, "Requests").get("html")]
    assert any("Written down; its month runs." in each for each in told)  # where they look
    assert "&lt;b&gt;Ada" not in html_of(
        app
    )  # whoever talks to customers writes it down; the list is the privacy team's
    sign_in_as("privacy")
    app = privacy()
    assert "&lt;b&gt;Ada&lt;/b&gt;, ada@example.com: To be forgotten (erasure)" in html_of(app)
    assert "0 days left" in html_of(app)
    st.cache_data.clear()  # the first page looks again every ten seconds
    assert "1 request about somebody&#x27;s data" in html_of(app.switch_page("pages/overview.py").run())
    app = privacy()
    labelled(app.text_input, "What they were told, or why not or later").set_value("Done by hand, 30 October")
    labelled(app.button, "It is done").click().run()
    assert "Demo privacy: Done by hand, 30 October" in html_of(app)
    told = CliRunner().invoke(cli, ["privacy", "requests", "--json"])
    (request,) = json.loads(told.stdout)["requests"]
    assert (request["state"], request["kind"]) == ("done", "erasure")


FILE = "customer_id,address,channel,action,occurred_at,wording\n"


def dropped(app: AppTest, content: bytes) -> AppTest:
    place = next(each for each in app.file_uploader if each.label == "A CSV in UTF-8")
    return place.upload("fair.csv", content, "text/csv").run()


def test_a_file_of_consents_is_tried_mended_and_recorded_whole_and_thrown_away(
    own_home: Path, sign_in_as: Callable[[Role], None]
) -> None:
    sign_in_as("privacy")
    app = privacy()
    labelled(app.text_input, "Where do they come from?").set_value("<b>fair</b>")
    good = f"{FILE}{CUSTOMER},,email,revoke,2026-10-01,=HYPERLINK(1)\n,new@example.com,email,grant,2026-10-01,<i>yes\n"
    dropped(app, f"{good}cus_nobody,,=cmd(),grant,2026-10-01,\n".encode())
    assert not app.exception
    assert "channel is none of email" in html_of(app)
    assert "line 4" in html_of(app)
    assert "import_record" not in [each.key for each in app.button]  # taken whole or not at all
    dropped(app, FILE.encode("utf-16"))
    assert "The file is no UTF-8 text." in html_of(app)
    dropped(app, good.encode())
    assert marketing("email") != "revoked"
    labelled(app.button, "Record 2 consents").click().run()
    assert not app.exception
    assert "Recorded: 2 consents. They count from now on." in html_of(app)
    assert marketing("email") == "revoked"
    assert "import, from &lt;b&gt;fair&lt;/b&gt;. =HYPERLINK(1)" in html_of(app)  # in the person's file
    assert "What it would do" not in [each.value for each in app.subheader]
    assert "import_tried" not in app.session_state
    with open_store(read_settings()) as store, store.read() as connection:
        (kept,) = audit.newest(connection, 20, action="consent.import")
    assert (kept["actor"], kept["subject"], kept["detail"]["rows"]) == ("Demo privacy", "<b>fair</b>", 2)
    sign_in_as("agent")
    assert "Import" not in [each.label for each in privacy().tabs]


def test_their_preference_page_is_shown_in_a_closed_frame_in_each_language_and_the_look_is_audited_once(
    own_home: Path, sign_in_as: Callable[[Role], None]
) -> None:
    sign_in_as("marketer")
    app = privacy()
    assert not app.get("iframe")
    labelled(app.toggle, "Show their page").set_value(True).run()
    for lang, words in all_words().items():
        labelled(app.segmented_control, "In which language?").select(lang).run()
        assert not app.exception
        (frame,) = app.get("iframe")
        outer = frame.proto.srcdoc
        assert outer.startswith('<iframe sandbox="" srcdoc="&lt;!doctype html&gt;')
        page = unescape(outer)
        assert words.preferences_title in unescape(page)
        assert "href=" not in page
        assert "<script" not in page
    with open_store(read_settings()) as store, store.read() as connection:
        looks = audit.newest(connection, 20, action="consent.look", subject=CUSTOMER)
    assert [each["detail"] for each in looks] == [{"part": "preferences"}, None]
