"""Opt-ins count where the sender is proven: no form and no unverified mail lets us write to somebody who said no."""

import json
import time
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select, update

from messaging import consent, double_opt_in
from messaging.addresses import Addresses
from messaging.consent_chain import ConsentEvent
from messaging.double_opt_in import Question
from messaging.inbox import confirm, lift, list_reviews
from messaging.links import read_links
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import consent_events, inbound_messages, messages

MAIL = "ada@example.com"
PASS = "{@example.com : pass}"
NOON = datetime.fromisoformat("2026-10-30T12:00")
MALLORY = "mallory@evil.example"


@pytest.fixture
def mailed(post: Any) -> Any:
    """Post a mail as Inbound Parse does, with what SendGrid found of its signatures."""

    def send(
        text: str, number: int = 1, envelope: str = MAIL, header: str = f"From: {MAIL}\n", **found: str
    ) -> int:
        fields = {
            "headers": f"{header}Message-ID: <{number}@example.com>\n", "from": MAIL, "to": "hello@harbour.example",
            "text": text, "envelope": json.dumps({"from": envelope, "to": ["hello@harbour.example"]}), **found,
        }  # fmt: skip
        parts = "".join(
            f'--xYz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        kind = {"Content-Type": "multipart/form-data; boundary=xYz"}
        return int(post.raw("/webhooks/sendgrid/inbound", f"{parts}--xYz--\r\n", kind).status_code)

    return send


@pytest.fixture
def filled_in(post: Any, settings: Settings) -> Any:
    def send(message: str, number: int = 0) -> int:
        token = read_links(settings).form(int(time.time()) - 10, f"{number:032x}")
        given = {"form": token, "name": "Ada", "email": MAIL, "message": message}
        return int(post.raw("/contact", urlencode(given)).status_code)

    return send


@pytest.fixture
def stopped(store: Store, addresses: Addresses) -> str:
    """Silence the address as a STOP of its owner's does; give its hash."""
    address = addresses.hash(MAIL)
    agreed = ConsentEvent(
        channel="email", purpose="marketing", action="grant", legal_basis="consent", occurred_at=NOON - timedelta(days=9),
        source="form", actor="customer", method="form", customer_id="cus_1",
    )  # fmt: skip
    with store.write() as connection:
        consent.record(connection, agreed, agreed.occurred_at)
        consent.stop(
            connection, address_hash=address, channel="email", at=NOON - timedelta(days=1), source="test",
            customer_ids=["cus_1"],
        )  # fmt: skip
    return address


def silent(store: Store, address: str) -> bool:
    with store.read() as connection:
        said = consent.state(connection, ["cus_1"], address, "email")
        return (
            bool(consent.suppressed(connection, [address], "email")) and said is not None and not said.granted
        )


def ask(store: Store, settings: Settings, addresses: Addresses) -> None:
    question = Question(
        customer_id="cus_1", channel="email", address=MAIL, address_hash=addresses.hash(MAIL),
        wording="May we mail you our offers?", source="web form", actor="ann",
    )  # fmt: skip
    with store.write() as connection:
        asked = double_opt_in.ask(connection, question, read_links(settings), "Harbour & Pine", NOON)
        this = update(messages).where(messages.c.message_id == asked.message_id)
        connection.execute(this.values(state="accepted", calling_at=NOON))  # it has left us


def waiting(store: Store) -> list[tuple[str, str | None, str]]:
    with store.read() as connection:
        return [(each.asks, each.doubt, each.body) for each in list_reviews(connection)]


@pytest.mark.parametrize("word", ["START", "UNSTOP", "start"])
def test_a_start_through_the_form_lifts_nothing_and_waits_for_a_person(
    word: str, filled_in: Any, stopped: str, store: Store, owners: list[str]
) -> None:
    owners.append("cus_1")
    assert filled_in(word) == 200
    assert silent(store, stopped)
    assert waiting(store) == [("start", "form", word)]
    with store.read() as connection:
        (heard,) = connection.execute(select(inbound_messages)).all()
    assert (heard.channel, heard.body, heard.keyword, heard.customer_id) == ("form", word, None, "cus_1")


def test_a_yes_through_the_form_answers_no_question_of_ours(
    filled_in: Any, store: Store, settings: Settings, addresses: Addresses
) -> None:
    ask(store, settings, addresses)
    filled_in("Yes!")
    with store.read() as connection:
        assert consent.state(connection, ["cus_1"], addresses.hash(MAIL), "email") is None
    assert waiting(store) == [("start", "form", "Yes!")]


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"dkim": "none", "SPF": "none"},
        {"dkim": "{@example.com : fail}", "SPF": "softfail"},
        {"dkim": "{@evil.example : pass}"},
        {"dkim": "{@notexample.com : pass}"},
        {"dkim": "{@sites.example.com : pass}"},
        {"dkim": "{@com : pass}"},
        {"dkim": "{@example.com : pass, @example.com : fail}"},
        {"dkim": "{@example.com : pass} and more"},
        {"dkim": "@example.com : pass"},
        {"SPF": "pass", "envelope": MALLORY},
        {"SPF": "pass", "envelope": ""},
        {"dkim": PASS, "header": f"From: {MALLORY}\n"},
        {"dkim": PASS, "header": f"From: {MAIL}\nFrom: {MALLORY}\n"},
        {"dkim": PASS, "header": f"From: {MAIL}, {MALLORY}\n"},
        {"dkim": PASS, "header": ""},
    ],
)
@pytest.mark.sqlite
def test_a_start_by_a_mail_that_nothing_proves_lifts_nothing_and_waits_for_a_person(
    found: dict[str, str], mailed: Any, stopped: str, store: Store, owners: list[str]
) -> None:
    owners.append("cus_1")
    assert mailed("START", **found) == 204
    assert silent(store, stopped)
    assert waiting(store) == [("start", "mail_unverified", "START")]


@pytest.mark.parametrize(
    ("found", "by"),
    [
        ({"dkim": PASS}, "dkim"),
        ({"dkim": "{@EXAMPLE.com : pass}"}, "dkim"),
        ({"dkim": "{@sendgrid.example : fail, @example.com : pass}"}, "dkim"),
        ({"SPF": "pass"}, "spf"),
        ({"SPF": " Pass ", "dkim": "none", "header": f"From: Ada <{MAIL}>\n"}, "spf"),
    ],
)
def test_a_start_by_a_mail_that_is_proven_counts_and_says_by_what(
    found: dict[str, str], by: str, mailed: Any, stopped: str, store: Store, owners: list[str]
) -> None:
    owners.append("cus_1")
    mailed("START", **found)
    assert not silent(store, stopped)
    assert waiting(store) == []
    with store.read() as connection:
        newest = select(consent_events.c.evidence).order_by(consent_events.c.sequence.desc()).limit(1)
        assert connection.execute(newest).scalar_one()["proven_by"] == by


@pytest.mark.parametrize(("found", "agreed"), [({}, False), ({"dkim": PASS}, True)])
def test_a_yes_by_mail_answers_our_question_where_it_is_proven(
    found: dict[str, str],
    agreed: bool,  # noqa: FBT001 - of a parametrised test
    mailed: Any, store: Store, settings: Settings, addresses: Addresses,
) -> None:  # fmt: skip
    ask(store, settings, addresses)
    mailed("Yes", **found)
    with store.read() as connection:
        said = consent.state(connection, ["cus_1"], addresses.hash(MAIL), "email")
    assert (said is not None and said.granted) == agreed
    assert bool(waiting(store)) != agreed


@pytest.mark.parametrize("words", ["STOP", "please take me off your list"])
def test_a_stop_counts_from_anywhere(
    words: str, mailed: Any, filled_in: Any, store: Store, addresses: Addresses
) -> None:
    for number, send in enumerate((filled_in, mailed)):
        with store.write() as connection:
            consent.lift(
                connection, address_hash=addresses.hash(MAIL), channel="email", at=NOON, source="test"
            )
            assert consent.suppressed(connection, [addresses.hash(MAIL)], "email") == {}
        send(words, number + 1)
        with store.read() as connection:
            assert consent.suppressed(connection, [addresses.hash(MAIL)], "email")


def test_a_stop_after_a_doubted_start_is_not_undone_by_what_waits(
    filled_in: Any, mailed: Any, stopped: str, store: Store
) -> None:
    filled_in("START")
    mailed("STOP")
    assert silent(store, stopped)


def test_a_person_who_made_sure_lets_a_doubted_start_count_once(
    filled_in: Any, stopped: str, store: Store, owners: list[str]
) -> None:
    owners.append("cus_1")
    filled_in("START")
    with store.write() as connection:
        (review,) = list_reviews(connection)
        assert confirm(connection, review.review_id, "ann", NOON).state == "confirmed"
    assert not silent(store, stopped)
    with store.write() as connection:
        event = connection.execute(select(consent_events).order_by(consent_events.c.sequence.desc())).first()
        consent.stop(
            connection, address_hash=stopped, channel="email", at=NOON, source="test", customer_ids=["cus_1"]
        )
        confirm(connection, review.review_id, "bob", NOON + timedelta(hours=1))
    assert event is not None
    assert (event.action, event.method, event.actor) == ("grant", "review", "ann")
    assert silent(store, stopped), "deciding twice is deciding once"


def test_a_person_who_made_sure_lets_a_doubted_yes_answer_our_question(
    filled_in: Any, store: Store, settings: Settings, addresses: Addresses
) -> None:
    ask(store, settings, addresses)
    filled_in("yes")
    with store.write() as connection:
        (review,) = list_reviews(connection)
        confirm(connection, review.review_id, "ann", NOON)
        said = consent.state(connection, ["cus_1"], addresses.hash(MAIL), "email")
    assert said is not None
    assert said.granted


def test_a_doubted_start_that_is_lifted_never_counted(filled_in: Any, stopped: str, store: Store) -> None:
    filled_in("START")
    with store.write() as connection:
        (review,) = list_reviews(connection)
        before = connection.execute(select(consent_events.c.event_id)).all()
        assert lift(connection, review.review_id, "ann", NOON).state == "lifted"
        assert connection.execute(select(consent_events.c.event_id)).all() == before
    assert silent(store, stopped)


def test_a_start_by_text_counts_for_the_provider_signed_its_number(
    post: Any, inbound_form: Any, store: Store, addresses: Addresses, owners: list[str]
) -> None:
    owners.append("cus_1")
    phone = addresses.hash("+447700900123")
    for number, word in enumerate(("STOP", "START")):
        post.signed("/webhooks/twilio/inbound", inbound_form(word, sid=f"SM{number}"))
    with store.read() as connection:
        assert consent.suppressed(connection, [phone], "sms") == {}
    assert waiting(store) == []


EVERYTHING = "This is a formal complaint. Never contact me again on any channel."


def standing(store: Store, addresses: Addresses) -> tuple[Any, dict[str, bool]]:
    """Give why the address is silent by e-mail, and on which channels marketing to its owner was withdrawn."""
    address = addresses.hash(MAIL)
    with store.read() as connection:
        said = {
            each: consent.state(connection, ["cus_1"], address if each == "email" else None, each)
            for each in ("email", "sms", "whatsapp")
        }
        reason = consent.suppressed(connection, [address], "email").get(address)
    return reason, {each: state is not None and not state.granted for each, state in said.items()}


@pytest.fixture
def of_cus_1(owners: list[str]) -> None:
    owners.append("cus_1")


@pytest.mark.usefixtures("of_cus_1")
@pytest.mark.parametrize("text", ["STOP", "please take me off your mailing list", EVERYTHING])
@pytest.mark.parametrize("way", ["form", "mail_unverified"])
def test_an_opt_out_that_nothing_proves_ends_marketing_to_the_address_alone_until_it_is_confirmed(
    way: str, text: str, filled_in: Any, mailed: Any, store: Store, addresses: Addresses
) -> None:
    assert filled_in(text) == 200 if way == "form" else mailed(text) == 204
    assert standing(store, addresses) == ("unsubscribe", {"email": True, "sms": False, "whatsapp": False})
    with store.write() as connection:
        (review,) = list_reviews(connection)
        assert (review.asks, review.doubt) == ("stop", way)
        assert confirm(connection, review.review_id, "ann", NOON).state == "confirmed"
    everywhere = text == EVERYTHING
    expected = {"email": True, "sms": everywhere, "whatsapp": everywhere}
    assert standing(store, addresses) == ("stop", expected)


@pytest.mark.usefixtures("of_cus_1")
def test_a_forged_opt_out_is_lifted_and_leaves_nothing(
    filled_in: Any, store: Store, addresses: Addresses
) -> None:
    filled_in(EVERYTHING)
    with store.write() as connection:
        (review,) = list_reviews(connection)
        assert lift(connection, review.review_id, "ann", NOON).still_silent == ()
    assert standing(store, addresses) == (None, {"email": False, "sms": False, "whatsapp": False})


@pytest.mark.usefixtures("of_cus_1")
def test_the_address_itself_makes_a_stop_of_it_which_lifting_leaves_alone(
    filled_in: Any, mailed: Any, store: Store, addresses: Addresses
) -> None:
    filled_in("STOP")
    assert mailed("STOP", dkim=PASS) == 204
    assert standing(store, addresses)[0] == "stop"
    with store.write() as connection:
        (review,) = list_reviews(connection)
        assert lift(connection, review.review_id, "ann", NOON).still_silent == ("email",)
    assert standing(store, addresses)[0] == "stop"


@pytest.mark.usefixtures("of_cus_1")
@pytest.mark.parametrize("text", ["STOP", "Please unsubscribe me from all your emails"])
@pytest.mark.parametrize("decision", ["confirm", "lift"])
def test_an_opt_out_of_a_program_waits_for_a_person(
    decision: str, text: str, mailed: Any, store: Store, addresses: Addresses
) -> None:
    header = f"From: {MAIL}\nPrecedence: bulk\n"
    assert mailed(text, header=header, dkim=PASS) == 204
    assert standing(store, addresses) == (None, {"email": False, "sms": False, "whatsapp": False})
    with store.write() as connection:
        (review,) = list_reviews(connection)
        assert (review.asks, review.doubt, review.words.upper()[:4] in {"STOP", "PLEA", "UNSU"}) == (
            "stop", "automatic", True,
        )  # fmt: skip
        (confirm if decision == "confirm" else lift)(connection, review.review_id, "ann", NOON)
    assert standing(store, addresses)[0] == ("stop" if decision == "confirm" else None)


def test_an_absence_that_says_nothing_of_the_kind_waits_for_nobody(mailed: Any, store: Store) -> None:
    assert mailed("I am away until Monday.", header=f"From: {MAIL}\nAuto-Submitted: auto-replied\n") == 204
    with store.read() as connection:
        assert list_reviews(connection) == []
