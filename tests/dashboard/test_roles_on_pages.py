"""What each role sees and may do on the pages, whoever looked before them."""

import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from google.protobuf.message import Message
from sqlalchemy import insert
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from dashboard import session
from dashboard.door.gate import utc_now
from dashboard.navigation import PAGES
from messaging import sign_ins
from messaging.access import ROLES, RULES, Person, Role, sight
from messaging.clock import Clock
from messaging.desk.follow_ups import promise
from messaging.desk.notes import write_note
from messaging.desk.requests import requests, take_request
from messaging.planner import build_planner
from messaging.settings import read_settings
from messaging.store import open_store
from messaging.store.tables import inbound_messages
from tests.dashboard.hostile import strings

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
CUSTOMER = f"cus_{5:032x}"
NOON = datetime.fromisoformat("2026-10-30T12:00")
CONVERSATION = """
CREATE TABLE conversations AS SELECT 'conv_1' AS conversation_id, ? AS customer_id, true AS is_open,
    ?::TIMESTAMP - INTERVAL 9 HOUR AS started_at, started_at AS last_at, 'sms' AS last_channel, 2 AS inbound_count,
    0 AS outbound_count, started_at AS waiting_since, 'late_parcel' AS topic, true AS is_complaint,
    'T-1' AS ticket_id, NULL::VARCHAR AS order_id
"""
FEEDBACK = """
CREATE TABLE feedback AS SELECT touch_id, customer_id, ?::TIMESTAMP - INTERVAL 2 DAY AS occurred_at, 'nps' AS kind,
    2.0 AS score, 10 AS score_scale, 0.2 AS score_share, 'bad' AS verdict, false AS is_verified,
    'Lamp' AS product_name, NULL::VARCHAR AS ticket_id FROM customer_timeline WHERE customer_id = ?
"""
NAME, EMAIL, PHONE = "Inés Lovelace", "ines.5@example.com", "+442079460005"


SECRETS: dict[str, re.Pattern[str]] = {  # of anybody of the company, by what of a sight shows it
    "names": re.compile(r"Lovelace|Hopper|Turing|O.{0,6}Neill|Åström|García|Dubois|Okafor|Quux"),
    "contacts": re.compile(r"[\w.]+@example\.com|\+442079460\d{3}"),
    "wrote": re.compile(
        r"Where is my parcel|it arrived|change the colour|call back|a word of mine", re.IGNORECASE
    ),
}
ADDRESS = {"customer": CUSTOMER, "campaign": "win_back", "segment": "everybody", "template": "win_back"}


@pytest.fixture(scope="module")
def lively(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the company in which there is something of a person on every page."""
    home = tmp_path_factory.mktemp("lively") / "home"
    shutil.copytree(company, home)
    settings, clock, soon = read_settings(home=home), Clock(NOON), NOON + timedelta(hours=2)
    (file,) = (home / "releases").glob("*.duckdb")
    with duckdb.connect(str(file)) as release:
        for table, more in (
            ("customer_timeline", "conversation_id VARCHAR"),
            ("customer_timeline", "sentiment DOUBLE"),
        ):
            release.execute(f"ALTER TABLE {table} ADD COLUMN {more}")
        release.execute(CONVERSATION, [CUSTOMER, NOON])
        release.execute(FEEDBACK, [NOON, CUSTOMER])
        release.execute(
            "UPDATE customer_timeline SET conversation_id = 'conv_1' WHERE customer_id = ?", [CUSTOMER]
        )
        # somebody without a name is called by their address
        release.execute(
            "UPDATE customer_360 SET display_name = email WHERE customer_id = ?", [f"cus_{7:032x}"]
        )
    with open_store(settings) as store:
        write_note(store, clock, CUSTOMER, "A word of mine: call back Quux", actor="ann")
        promise(store, clock, CUSTOMER, "Call back Quux", soon, actor="ann")
        take_request(
            store,
            clock,
            "access",
            "Quux, quux@example.com",
            way="letter",
            zone="UTC",
            arrived_at=NOON,
            actor="ann",
        )
        with store.write() as connection:
            received = {"inbound_id": "inb_1", "provider": "twilio", "provider_sid": "SM1", "channel": "sms"}
            received |= {
                "from_address": PHONE,
                "to_address": PHONE,
                "address_hash": "x",
                "customer_id": CUSTOMER,
            }
            connection.execute(
                insert(inbound_messages).values(
                    **received, body="A word of mine", received_at=NOON, payload={}
                )
            )
        planner = build_planner(settings, store=store)
        planner.plan("win_back", "ann")
        planner.customers.close()
    return home


def test_the_address_of_a_page_that_is_not_for_a_role_says_so(
    home: Path, sign_in_as: Callable[[Role], None]
) -> None:
    sign_in_as("viewer")
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    app._page_hash = calc_hash("health")
    app.run()
    assert not app.exception
    assert "A viewer may not look at the health of the data" in everything(app)


def test_a_click_after_the_session_has_ended_leads_to_signing_in_and_does_nothing(
    company: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    shutil.copytree(company, own)
    monkeypatch.setenv("RAPPORT_HOME", str(own))
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    app.switch_page("pages/privacy.py").run()
    next(each for each in app.text_input if each.label == "Who asks?").set_value("Ada Lovelace")
    with open_store(read_settings()) as store:
        sign_ins.sign_out(store, session.token(), utc_now())
        next(each for each in app.button if each.label == "Write it down").click().run()
        assert not app.exception
        assert "Your session has ended" in everything(app)
        assert requests(store) == []


def everything(app: AppTest) -> str:
    """Give every text that a page sends to the browser."""
    protos = [node.proto for node in app._tree if isinstance(getattr(node, "proto", None), Message)]
    return "\n".join(text for proto in protos for _, text in strings(proto))


def leaks(app: AppTest, role: Role) -> dict[str, list[str]]:
    """Give what a page tells that a role may not see."""
    sees, shown = sight(Person("", "", frozenset({role}))), everything(app)
    found = {part: sorted(set(secret.findall(shown)))[:5] for part, secret in SECRETS.items()}
    return {part: told for part, told in found.items() if told and not getattr(sees, part)}


def card() -> str:
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.query_params["customer"] = CUSTOMER
    app.switch_page("pages/customers.py").run()
    assert not app.exception
    return everything(app)


def test_a_customer_is_masked_by_role_also_after_somebody_who_sees_more(
    home: Path, sign_in_as: Callable[[Role], None]
) -> None:
    for role, sees in (
        ("agent", True),
        ("viewer", False),
        ("marketer", None),
        ("agent", True),
        ("engineer", False),
    ):
        sign_in_as(role)
        shown = card()
        assert (NAME in shown) == (sees is not False), role
        assert (EMAIL in shown) == (sees is True), role
        assert (PHONE in shown) == (sees is True), role
        assert (
            "Where is my parcel?" in shown
            or "Thank you, it arrived!" in shown
            or "change the colour" in shown
        ) == (sees is not False), role
        assert ("My own words" in shown) == (role == "agent"), role


def test_pages_of_a_role_are_drawn_the_others_are_not_and_none_tells_what_it_may_not_see(
    lively: Path, home: Path, sign_in_as: Callable[[Role], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_HOME", str(lively))
    told: dict[str, set[str]] = {}
    for role in (
        *reversed(ROLES),
        "viewer",
    ):  # in one process, so that each finds the caches of who was there before
        sign_in_as(role)
        app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in ADDRESS.items():
            app.query_params[name] = value
        app.run()
        for file, title, action in PAGES:
            with suppress(ValueError):  # an AppTest knows the pages of earlier runs, too
                app.switch_page(f"pages/{file}.py").run()
            shown = everything(app)
            if role in RULES[action].roles:
                assert not app.exception
                assert [each.value for each in app.title] == [title]
                assert 'role="alert"' not in shown, (role, file)
            else:
                assert title not in [each.value for each in app.title] or "may not" in shown
            assert leaks(app, role) == {}, (role, file)
            told.setdefault(file, set()).update(
                part for part, secret in SECRETS.items() if secret.search(shown)
            )
    assert told["customers"] == set(SECRETS)  # there was something to be hidden
    assert told["campaigns"] >= {"names"}
    assert told["segments"] >= {"names"}
    assert told["overview"] >= {"names", "wrote"}


def test_a_viewer_is_offered_no_step_of_a_campaign(home: Path, sign_in_as: Callable[[Role], None]) -> None:
    sign_in_as("viewer")
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    app.query_params["campaign"] = "win_back"
    app.switch_page("pages/campaigns.py").run()
    assert "Lapsed customers" in everything(app)
    assert "Plan it now" not in [button.label for button in app.button]


def test_a_session_that_ended_shows_nothing_at_the_next_run_of_an_open_page(
    home: Path, sign_in_as: Callable[[Role], None]
) -> None:
    sign_in_as("agent")
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.query_params["customer"] = CUSTOMER
    app.run()
    app.switch_page("pages/customers.py").run()
    assert NAME in everything(app)
    with open_store(read_settings()) as store:
        sign_ins.sign_out(store, session.token(), utc_now())
    app.run()
    shown = everything(app)
    assert NAME not in shown
    assert EMAIL not in shown
    assert "Your session has ended" in shown


def test_signing_out_ends_the_session_and_the_page(home: Path, sign_in_as: Callable[[Role], None]) -> None:
    sign_in_as("agent")
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    next(each for each in app.button if each.label == "Sign out").click().run()
    assert "Your session has ended" in everything(app)
    with open_store(read_settings()) as store:
        assert sign_ins.signed_in(store, session.token(), utc_now()) is None
