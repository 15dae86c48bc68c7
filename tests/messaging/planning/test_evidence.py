"""Why somebody got a message: each step with its proof, on a terminal and as a page."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from messaging.addresses import Addresses
from messaging.cli import app
from messaging.clock import Clock, pin_clock
from messaging.consent import stop
from messaging.consent_imports import ImportedConsent, record_imports
from messaging.dispatch import dispatch_once
from messaging.planner import Asked, Planner, Why, build_planner, draw_why, evidence
from messaging.policy import shipped_limits
from messaging.quiet_hours import read_quiet_rules
from messaging.senders.base import Accepted, OutboundMessage
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import campaign_runs, messages
from messaging.store.tables_record import audit

NOON = datetime.fromisoformat("2026-10-30T12:00")
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"
SEGMENT = """
title: Lamps
where:
  all:
    - {column: order_count, test: ">=", value: 2}
    - {column: favourite_category, test: "is not null"}
    - {column: net_revenue_minor, test: ">", value: 100}
"""


class Provider:
    """A sender in memory."""

    provider = "twilio"
    can_find = False

    def send(self, message: OutboundMessage) -> Accepted:
        """Take it."""
        return Accepted(f"SM{message.message_id[-8:]}")


@pytest.fixture
def planner(settings: Settings, store: Store, clock: Clock) -> Iterator[Planner]:
    built = build_planner(settings.model_copy(update={"company_name": "Harbour & Pine"}), clock, store)
    campaign = built.library.folder / "campaigns" / "win_back.yaml"
    campaign.write_text(
        campaign.read_text()
        .replace("share: 0.10", "share: 0.0001")
        .replace("lapsed_customers", "lamps")
        .replace("template: win_back", "variants:\n  one: {template: win_back}\n  two: {template: win_back}")
    )
    (built.library.folder / "segments" / "lamps.yaml").write_text(SEGMENT)
    yield built
    built.customers.close()


@pytest.fixture
def sent(
    planner: Planner,
    publish: Callable[..., str],
    make_person: Callable[..., dict[str, Any]],
    store: Store,
    addresses: Addresses,
    clock: Clock,
) -> str:
    """Take a campaign to one reader whose words are hostile; give the message's id."""
    ada = make_person(1, favourite_category=HOSTILE, net_revenue_minor=12_300)
    publish(
        customer_360=[ada],
        identity_golden=[
            {
                "customer_id": ada["customer_id"], "attribute": "phone", "value": ada["phone"], "source": "shop",
                "source_record_id": "contact/7", "rule": "newest",
            }
        ],
    )  # fmt: skip
    said = ImportedConsent(
        customer_id=ada["customer_id"], source="shop", source_record_id="consent/9", channel="sms", purpose="marketing",
        action="grant", legal_basis="consent", occurred_at=NOON - timedelta(days=9), method="web form", wording=None,
        locale=None, address=None,
    )  # fmt: skip
    record_imports(store, addresses, [said], NOON - timedelta(days=9))
    run = planner.plan("win_back", "eva")
    planner.approve(run.run_id, "otto")
    planner.launch(run.run_id, "otto")
    assert dispatch_once(store, {"sms": Provider()}, clock).accepted == 1
    with store.read() as connection:
        return str(connection.execute(select(messages.c.message_id)).scalar_one())


@pytest.fixture
def ask(planner: Planner, store: Store) -> Callable[[str], Why]:
    asked = Asked(NOON, "GBP", "Europe/London", read_quiet_rules(), shipped_limits())
    return lambda message_id: evidence(store, planner.customers, message_id, asked)


def step(why: Why, title: str) -> dict[str, tuple[str, str]]:
    found = next(each for each in why.steps if each.title == title)
    return {fact.what: (fact.value, fact.proof) for fact in found.facts}


def test_each_step_on_the_way_to_a_message_is_told_with_its_proof(
    sent: str, ask: Callable[[str], Why], store: Store
) -> None:
    why = ask(sent)
    with store.read() as connection:
        row = connection.execute(select(messages)).one()
        run_hash = str(connection.execute(select(campaign_runs.c.content_hash)).scalar_one())
    assert step(why, "The message")["template"] == ("sms/win_back.en", f"version {row.template_hash}")
    campaign = step(why, "The campaign")
    assert campaign["planned"] == ("30 October 2026, 12:00 UTC by eva", f"content {run_hash}")
    assert campaign["approved"][0].endswith("by otto")
    assert step(why, "Why they")["Orders: at least 2"][0] == "holds"
    assert step(why, "Why they")["Revenue"][0] == "£123.00"
    assert step(why, "Whose records")["phone"] == ("from shop, newest", "record contact/7")
    ((said, by),) = step(why, "Consent").items()
    assert said.startswith("grant, 21 October 2026")
    assert by[0] == "by web form from shop, consent"
    gate = step(why, "The gate")
    assert gate["when it was sent"] == ("every check said yes", "30 October 2026, 12:00 UTC")
    assert gate["They agreed to marketing by this channel"][0] == "yes"
    became = step(why, "What became of it")
    assert became["state"] == ("accepted", row.provider_sid)
    assert sum(what.startswith("call 1") for what in became) == 1


def test_the_lots_can_be_drawn_again_by_anybody(sent: str, ask: Callable[[str], Why]) -> None:
    for words, proof in step(ask(sent), "The lot").values():
        text = proof.removeprefix("sha256(“").removesuffix("”)")
        drawn = int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32
        assert f"{drawn:.4f} of 1" in words


def test_what_was_said_since_is_told_apart_and_the_gate_is_asked_again(
    sent: str, ask: Callable[[str], Why], store: Store
) -> None:
    with store.write() as connection:
        hashed = str(connection.execute(select(messages.c.address_hash)).scalar_one())
        facts: dict[str, Any] = {"source": "twilio", "source_record_id": "SM1", "customer_ids": ["cus_1"]}
        stop(connection, address_hash=hashed, channel="sms", at=NOON + timedelta(hours=1), **facts)
    why = ask(sent)
    assert any("after this was sent" in words for words, _ in step(why, "Consent").values())
    gate = step(why, "The gate")
    assert gate["when it was sent"][0] == "every check said yes"
    assert gate["The address is not blocked"][0].startswith("This phone number answered STOP")


def test_hostile_words_are_text_on_the_page_and_it_fetches_nothing(
    sent: str, ask: Callable[[str], Why]
) -> None:
    page = draw_why(ask(sent))
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert "<img" not in page
    assert not re.search(r"(src|href|url)\s*[=(]", page.replace("src=x onerror", ""))


def test_the_command_writes_a_page_and_who_looked_is_audited(
    sent: str, settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAPPORT_HOME", str(settings.home))
    pin_clock(settings.home, NOON)
    page = tmp_path / "why.html"
    told = CliRunner().invoke(app, ["why", sent, "--html", str(page), "--actor", "nina", "--json"])
    assert told.exit_code == 0, told.output
    document = json.loads(told.stdout)
    assert document["why"][0].startswith("It belongs to campaign 'win_back'")
    assert [each["title"] for each in document["steps"]][-1] == "What became of it"
    assert "What became of it" in page.read_text(encoding="utf-8")
    with store.read() as connection:
        looks = select(audit.c.actor, audit.c.subject).where(audit.c.action == "message.look")
        assert connection.execute(looks).all() == [("nina", sent)]
    missing = CliRunner().invoke(app, ["why", sent, "--html", str(tmp_path / "none" / "why.html")])
    assert "Name a file in a folder that is there" in str(missing.exception)
