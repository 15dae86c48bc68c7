"""`rapport consent`: each command as a person types it, and as a machine reads it."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from data_contracts.errors import InputError, NotFoundError, RefusedError, UsageError
from messaging.addresses import Addresses
from messaging.cli import app
from messaging.clock import Clock, pin_clock
from messaging.consent_chain import hash_of, verify_chain
from messaging.customers import Customers
from messaging.inbox import Inbound, receive
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import consent_events, messages

PHONE = "+447911123456"
Run = Callable[..., Any]


@pytest.fixture
def run(settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command with --json in the test's own home; give the document."""
    monkeypatch.setenv("RAPPORT_HOME", str(settings.home))
    pin_clock(settings.home, clock.now())

    def invoke(*arguments: str) -> Any:
        result = CliRunner().invoke(app, ["consent", *arguments, "--json"], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return invoke


@pytest.fixture
def who(publish: Callable[..., str], make_person: Callable[..., dict[str, Any]]) -> str:
    person = make_person(1, email="anna@x.example", phone=PHONE)
    publish(customer_360=[person])
    return str(person["customer_id"])


def said(store: Store) -> Any:
    with store.read() as connection:
        assert verify_chain(connection).broken_at is None
        return connection.execute(select(consent_events).order_by(consent_events.c.sequence.desc())).first()


def state(document: Any, channel: str) -> str:
    return str(next(each["state"] for each in document["consents"] if each["channel"] == channel))


def test_a_grant_keeps_its_ground_wording_language_proof_and_end(run: Run, who: str, store: Store) -> None:
    run(
        "grant", who, "--channel", "sms", "--method", "form", "--basis", "soft_opt_in", "--wording", "Tell me of offers",
        "--expires", "2027-03-01", "--locale", "de-AT", "--evidence", "folder 7, page 3", "--actor", "otto",
    )  # fmt: skip
    event = said(store)
    assert (event.legal_basis, event.locale, event.actor) == ("soft_opt_in", "de-AT", "otto")
    assert event.wording_hash == hash_of("Tell me of  offers")
    assert event.evidence == {"note": "folder 7, page 3"}
    assert event.expires_at.isoformat() == "2027-03-01T00:00:00"
    shown = run("show", who)
    assert state(shown, "sms") == "granted"
    assert "It runs out on 1 March 2027" in json.dumps(shown)


def test_a_consent_that_ran_out_is_shown_as_none(run: Run, who: str, settings: Settings) -> None:
    run("grant", who, "--channel", "sms", "--method", "form", "--expires", "2026-10-30T12:01")  # it is noon
    pin_clock(settings.home, datetime.fromisoformat("2026-10-30T12:01"))
    shown = run("show", who)
    assert state(shown, "sms") == "revoked"
    assert "It ran out on" in json.dumps(shown)


def test_an_objection_to_profiling_leaves_marketing_alone(run: Run, who: str) -> None:
    run("grant", who, "--channel", "email", "--method", "form")
    run("revoke", who, "--channel", "email", "--purpose", "profiling", "--method", "letter")
    assert state(run("show", who), "email") == "granted"


def test_a_ground_that_the_law_does_not_know_is_refused(run: Run, who: str) -> None:
    with pytest.raises(UsageError, match="--basis"):
        run("grant", who, "--channel", "sms", "--method", "form", "--basis", "they like us")


def test_a_request_goes_once_and_is_no_consent(run: Run, who: str, store: Store) -> None:
    ask = ("request", who, "--channel", "sms", "--wording", "May we text you offers?", "--days", "7")
    first, second = run(*ask), run(*ask)
    assert (first["sent"], second["sent"], second["request_id"]) == (True, False, first["request_id"])
    assert first["expires_at"].startswith("2026-11-06")
    assert state(run("show", who), "sms") == "none"
    with store.read() as connection:
        assert connection.execute(select(messages.c.address)).scalars().all() == [PHONE]


def test_a_file_of_consents_is_taken_once_with_its_evidence(
    run: Run, who: str, store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "paper.csv"
    path.write_text(
        "customer_id,address,channel,action,occurred_at,method,wording,evidence,expires_at\n"
        f'{who},{PHONE},sms,grant,2026-03-01T09:30:00+01:00,paper,"Yes, text me","{{""page"": 3}}",2028-03-01\n'
        f",anna@x.example,email,revoke,2026-04-01,letter,,in the safe,\n"
    )
    assert run("import", str(path), "--source", "drawer") == {
        "rows": 2,
        "recorded": 2,
        "already": 0,
        "unusable": 0,
    }
    assert run("import", str(path), "--source", "drawer") == {
        "rows": 2,
        "recorded": 0,
        "already": 2,
        "unusable": 0,
    }
    shown = run("show", who)
    assert (state(shown, "sms"), state(shown, "email")) == ("granted", "revoked")
    granted = next(each for each in shown["events"] if each["action"] == "grant")
    assert (granted["evidence"], granted["occurred_at"], granted["expires_at"]) == (
        {"page": 3}, "2026-03-01T08:30:00", "2028-03-01T00:00:00",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("channel,action,occurred_at\nsms,grant,2026-01-01\n", "names nobody"),
        ("address,channel,action\n+447911123456,sms,grant\n", "no column occurred_at"),
        ("address,channel,action,occurred_at,colour\n", "colour"),
        (
            "address,channel,action,occurred_at\n+447911123456,sms,maybe,2026-01-01\n",
            "line 2: action 'maybe' is none of",
        ),
        (
            "address,channel,action,occurred_at\n+447911123456,sms,grant,1.1.2026\n",
            "line 2: occurred_at is no ISO 8601",
        ),
        ("address,channel,action,occurred_at\nsms,grant,2026-01-01\n", "line 2: it has more or fewer values"),
        (
            "address,channel,action,occurred_at\n12,sms,grant,2026-01-01\n",
            "line 2: address cannot be written to",
        ),
    ],
)
def test_a_file_with_a_slip_is_refused_whole_with_the_line_and_without_the_address(
    run: Run, who: str, store: Store, tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "slip.csv"
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        run("import", str(path), "--source", "drawer")
    assert told in str(refused.value)
    assert PHONE not in str(refused.value)
    assert said(store) is None


def test_a_file_that_names_ids_of_nobody_is_refused_whole(
    run: Run, who: str, store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "other.csv"
    rows = [f"{each},sms,revoke,2026-03-01\n" for each in (who, "cus_doesnotexist", "00417")]
    path.write_text("customer_id,channel,action,occurred_at\n" + "".join(rows))
    with pytest.raises(InputError, match="2 of 3 rows have a customer_id that nobody has: rows 2, 3"):
        run("import", str(path), "--source", "drawer")
    assert said(store) is None


def test_an_opt_out_in_words_is_listed_and_lifted_or_confirmed(
    run: Run, who: str, store: Store, addresses: Addresses, clock: Clock
) -> None:
    run("grant", who, "--channel", "sms", "--method", "form")
    for sid, body in (("SM1", "stop texting me"), ("SM2", "lose my number")):
        inbound = Inbound("twilio", sid, "sms", PHONE, "+15005550006", body, {})
        receive(store, addresses, inbound, clock, lambda _: [who])
    assert state(run("show", who), "sms") == "revoked"
    first, second = run("review", "list")["reviews"]
    assert (first["body"], first["words"], first["state"]) == ("stop texting me", "stop texting", "waiting")
    assert run("review", "lift", first["review_id"], "--actor", "ann")["still_silent"] == ["sms"]
    assert state(run("show", who), "sms") == "revoked", "the other message says so too"
    assert run("review", "confirm", second["review_id"], "--actor", "ann")["decided_by"] == "ann"
    with pytest.raises(RefusedError):
        run("review", "lift", second["review_id"])
    assert run("review", "list") == {"reviews": []}
    assert len(run("review", "list", "--state", "all")["reviews"]) == 2


def test_who_was_silenced_by_mistake_counts_as_reached_again(
    run: Run, who: str, store: Store, addresses: Addresses, clock: Clock, customers: Customers
) -> None:
    inbound = Inbound("twilio", "SM1", "sms", PHONE, "+15005550006", "stop texting me", {})
    before = customers.overview()
    receipt = receive(store, addresses, inbound, clock, lambda _: [who])
    assert customers.overview().reach_lost_since == before.reach_lost_since + 1
    run("review", "lift", receipt.review_id or "")
    assert customers.overview().reachable == before.reachable
    assert customers.overview().reach_lost_since == before.reach_lost_since


def test_a_grant_that_is_over_before_it_begins_is_refused(run: Run, who: str, store: Store) -> None:
    with pytest.raises(UsageError, match="--expires is 2020-01-01 00:00, which has passed"):
        run("grant", who, "--channel", "sms", "--method", "form", "--expires", "2020-01-01")
    assert said(store) is None


def test_each_channel_tells_what_stands_afterwards(run: Run, who: str) -> None:
    for channel in ("email", "sms", "whatsapp", "voice"):
        now = run("revoke", who, "--channel", channel, "--method", "phone")["now"]
        assert (now["channel"], now["state"]) == (channel, "revoked")
        assert now["sentence"].startswith("Withdrawn on ")


def test_nobody_and_several_people_are_told_apart_by_their_ids(
    run: Run, publish: Callable[..., str], make_person: Callable[..., dict[str, Any]]
) -> None:
    people = [make_person(number, email=f"anna{number}@x.example", phone=PHONE) for number in (1, 2)]
    publish(customer_360=people)
    with pytest.raises(NotFoundError, match="That names nobody") as nobody:
        run("show", "zoe@x.example")
    assert "zoe" not in str(nobody.value)
    with pytest.raises(NotFoundError, match="That names 2 people: ") as several:
        run("show", PHONE)
    assert all(str(person["customer_id"]) in str(several.value) for person in people)
