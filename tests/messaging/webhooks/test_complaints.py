"""Who complains to us, by whatever way, gets no marketing from that moment on, by any way, until somebody settles it."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from messaging.addresses import Addresses
from messaging.cli import app
from messaging.clock import Clock, pin_clock
from messaging.dispatch import dispatch_once
from messaging.links import read_links
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import inbound_messages
from messaging.store.tables_limits import complaint_flags

from .conftest import INBOUND

ADA = "+442079460000"  # the first of outbox_of's people, cus_0
MAIL = "ada@example.com"
ANGRY = "The chair arrived broken and nobody answers my mails. I want to complain."
HAPPY = "no complaints, thanks!"
WAYS = ["sms", "whatsapp", "chat", "email", "form"]
Say = Callable[..., None]


def mail(post: Any, words: str, headers: str) -> None:
    """Post a mail as Inbound Parse does."""
    envelope = json.dumps({"from": MAIL, "to": ["hello@harbour.example"]})
    told = {"from": MAIL, "to": "hello@harbour.example", "subject": "Re: Sale", "text": words}
    told |= {"headers": headers, "envelope": envelope}
    parts = {name: (None, value) for name, value in told.items()}
    assert post.client.post("/webhooks/sendgrid/inbound", files=parts).status_code == 204


@pytest.fixture
def say(post: Any, inbound_form: Any, settings: Settings) -> Say:
    """Say something to the receiver as a person does by each of the ways, once for each number."""

    def send(way: str, words: str, number: int = 1) -> None:
        if way in {"sms", "whatsapp"}:
            prefix = "whatsapp:" if way == "whatsapp" else ""
            told = inbound_form(words, sid=f"SM{number}", From=prefix + ADA, To=f"{prefix}+15005550006")
            assert post.signed(INBOUND, told).status_code == 200
        elif way == "chat":
            chat = {"EventType": "onMessageAdded", "ConversationSid": "CH" + "0" * 32, "Source": "SDK"}
            told = chat | {"MessageSid": f"IM{number}", "Author": MAIL, "Body": words}
            assert post.signed("/webhooks/twilio/conversations", told).status_code == 204
        elif way == "email":
            mail(post, words, f"Message-ID: <{number}@example.com>\n")
        else:
            token = read_links(settings).form(int(time.time()) - 10, f"{number:032x}")
            told = {"form": token, "name": "Ada", "email": MAIL, "message": words}
            assert post.raw("/contact", urlencode(told)).status_code == 200

    return send


def flags(store: Store) -> list[tuple[str, str | None]]:
    with store.read() as connection:
        rows = connection.execute(select(complaint_flags).order_by(complaint_flags.c.flag_id)).all()
    return [(row.kind, row.customer_id) for row in rows]


@pytest.mark.parametrize("way", WAYS)
def test_a_complaint_rests_marketing_at_once_and_a_look_alike_does_not(
    way: str, say: Say, owners: list[str], store: Store, outbox_of: Any, provider: Any, clock: Clock
) -> None:
    owners.append("cus_0")
    first, other = outbox_of.put(2)
    say(way, HAPPY)
    assert flags(store) == []
    for _ in range(2):
        say(way, ANGRY, number=2)
    assert flags(store) == [("message", "cus_0")], "heard twice, it is one"
    dispatch_once(store, {"sms": provider}, clock)
    row = outbox_of.row(first)
    assert (row.state, row.reason) == ("skipped", "open_complaint")
    assert row.detail.startswith("This customer has had an open complaint since")
    assert outbox_of.row(other).state == "accepted"


def test_what_a_program_writes_complains_of_nothing(store: Store, owners: list[str], post: Any) -> None:
    owners.append("cus_0")
    mail(post, ANGRY, "Message-ID: <9@example.com>\nAuto-Submitted: auto-replied\n")
    with store.read() as connection:
        assert connection.execute(select(inbound_messages.c.body)).scalar_one() == ANGRY
    assert flags(store) == []


def test_where_several_share_a_phone_and_none_was_written_to_each_may_have_complained(
    say: Say, owners: list[str], store: Store, outbox_of: Any, provider: Any, clock: Clock
) -> None:
    owners.extend(["cus_1", "cus_0"])
    ids = outbox_of.put(3)
    say("whatsapp", ANGRY)
    assert flags(store) == [("message", "cus_0"), ("message", "cus_1")]
    dispatch_once(store, {"sms": provider}, clock)
    assert [outbox_of.row(each).state for each in ids] == ["skipped", "skipped", "accepted"]


def test_a_stranger_complains_for_the_address_and_an_answer_still_goes_there(
    say: Say, store: Store, outbox_of: Any, provider: Any, clock: Clock, addresses: Addresses
) -> None:
    (marketing,) = outbox_of.put()
    (answer,) = outbox_of.put(customer_id="cus_5", message_class="conversational", consent=False)
    say("sms", ANGRY)
    assert flags(store) == [("message", None)]
    dispatch_once(store, {"sms": provider}, clock)
    assert (outbox_of.row(marketing).state, outbox_of.row(answer).state) == ("skipped", "accepted")


def test_a_person_settles_it_and_only_a_new_complaint_rests_marketing_again(
    say: Say, owners: list[str], store: Store, home: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_HOME", str(home))
    pin_clock(home, clock.now())
    owners.append("cus_0")
    say("sms", ANGRY)

    def run(*arguments: str) -> Any:
        command = ["consent", "complaint", *arguments, "--json", "--actor", "ann"]
        return json.loads(CliRunner().invoke(app, command, catch_exceptions=False).stdout)

    (found,) = run("list")["complaints"]
    assert (found["kind"], found["source"], found["customer_id"]) == ("message", "twilio", "cus_0")
    run("settle", found["flag_id"])
    say("sms", ANGRY)
    say("sms", HAPPY, number=2)
    assert run("list")["complaints"] == []
    say("sms", "It came broken again. Unacceptable!", number=3)
    assert [each["customer_id"] for each in run("list")["complaints"]] == ["cus_0"]
