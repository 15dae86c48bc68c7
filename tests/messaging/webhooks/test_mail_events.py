"""SendGrid's events: signed over time and bytes, each once by its id, in any order; who leaves is left alone."""

import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select
from starlette.datastructures import Headers

from messaging import consent
from messaging.addresses import Addresses
from messaging.complaints import open_complaints
from messaging.sandbox.event_signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, EventKey
from messaging.settings import Settings, read_settings
from messaging.store import Store
from messaging.store.tables import provider_events
from messaging.store.tables_receiver import raw_requests, tracking_events
from messaging.webhooks.event_signatures import is_signed

EVENTS = "/webhooks/sendgrid/events"
MAIL = "siobhan@example.com"
KEY = EventKey("a company's secret")
SHARED = examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def settings(home: Any, database: str) -> Settings:
    return read_settings(home=home, sendgrid_verification_key=KEY.public)


@pytest.fixture
def tell(post: Any) -> Callable[..., int]:
    """Post events as SendGrid does."""

    def send(*events: Any, body: bytes | None = None, age: int = 0) -> int:
        raw = json.dumps(list(events)).encode() if body is None else body
        headers = KEY.headers(str(int(time.time()) - age), raw) | {"Content-Type": "application/json"}
        return int(post.raw(EVENTS, raw, headers).status_code)

    return send


@pytest.fixture
def mail(sent: Any, addresses: Addresses) -> str:
    """Give a mail that SendGrid took."""
    where = {"channel": "email", "address": MAIL, "address_hash": addresses.hash(MAIL)}
    return str(sent("cus_1", **where, provider="sendgrid", provider_sid="sgABC"))


def event(kind: str, message_id: str, number: int = 0, **fields: Any) -> dict[str, Any]:
    about = {"event": kind, "email": MAIL, "message_id": message_id, "sg_event_id": f"{kind}{number}"}
    return {**about, "sg_message_id": "sgABC.recvd-1-0", "timestamp": 1793361600, **fields}


def count(store: Store, table: Any) -> int:
    with store.read() as connection:
        return len(connection.execute(select(table)).all())


def silenced(store: Store, addresses: Addresses, channel: str = "email") -> str | None:
    with store.read() as connection:
        return consent.suppressed(connection, [addresses.hash(MAIL)], channel).get(addresses.hash(MAIL))


def test_events_five_times_and_shuffled_are_one_row_each_and_the_highest_stands(
    tell: Any, mail: str, message_row: Any, store: Store
) -> None:
    told = [event(kind, mail) for kind in ("processed", "deferred", "delivered", "open", "click")]
    again = told * 5
    random.Random(6).shuffle(again)
    for start in range(0, len(again), 4):
        assert tell(*again[start : start + 4]) == 204
    assert (message_row(mail).state, message_row(mail).provider_status) == ("done", "read")
    assert (count(store, tracking_events), count(store, provider_events)) == (5, 5)


def test_a_machine_that_opens_is_kept_apart_and_is_no_reader(
    tell: Any, mail: str, message_row: Any, store: Store
) -> None:
    assert tell(event("delivered", mail), event("open", mail, sg_machine_open=True)) == 204
    assert message_row(mail).provider_status == "delivered"
    with store.read() as connection:
        rows = connection.execute(select(tracking_events.c.kind, tracking_events.c.machine)).all()
    assert sorted(map(tuple, rows)) == [("delivered", False), ("open", True)]


@pytest.mark.parametrize(
    ("kind", "fields", "reason"),
    [
        ("bounce", {"type": "bounce", "status": "5.1.1"}, "bounce"),
        ("bounce", {"type": "blocked", "status": "5.7.1"}, None),
        ("dropped", {"reason": "Bounced Address"}, "bounce"),
        ("dropped", {"reason": "Spam Content"}, None),
        ("dropped", {"reason": "Unsubscribed Address"}, "unsubscribe"),
        ("spamreport", {}, "complaint"),
        ("unsubscribe", {}, "unsubscribe"),
        ("group_unsubscribe", {"asm_group_id": 7}, "unsubscribe"),
        ("group_resubscribe", {}, None),
        ("deferred", {}, None),
    ],
)
def test_what_an_event_says_of_an_address_is_heeded(
    kind: str,
    fields: dict[str, Any],
    reason: str | None,
    tell: Any,
    mail: str,
    store: Store,
    addresses: Addresses,
) -> None:
    assert tell(event(kind, mail, **fields)) == 204
    assert silenced(store, addresses) == reason
    with store.read() as connection:
        state = consent.state(connection, ["cus_1"], addresses.hash(MAIL), "email")
        complaining = open_complaints(connection, ["cus_1"], []).since(consent.KnownAs(("cus_1",)), None)
    assert (state is not None) == (reason in {"complaint", "unsubscribe"})
    assert (complaining is not None) == (kind == "spamreport"), (
        "who calls us spam hears nothing by SMS either"
    )


def test_an_old_unsubscribing_that_comes_again_does_not_undo_what_they_said_since(
    tell: Any, mail: str, store: Store, addresses: Addresses, clock: Any
) -> None:
    left = event("unsubscribe", mail)
    tell(left)
    with store.write() as connection:
        consent.lift(
            connection, address_hash=addresses.hash(MAIL), channel="email", at=clock.now(), source="test",
            customer_ids=["cus_1"],
        )  # fmt: skip
    assert tell(left) == 204
    assert silenced(store, addresses) is None


def test_an_event_that_names_our_message_proves_that_it_was_taken(
    tell: Any, sent: Any, addresses: Addresses, message_row: Any
) -> None:
    lost = sent(
        "cus_1", channel="email", address=MAIL, address_hash=addresses.hash(MAIL), state="unknown", provider_sid=None,
        provider_status=None, reason="no_answer",
    )  # fmt: skip
    assert tell(event("delivered", lost)) == 204
    assert (message_row(lost).state, message_row(lost).provider_sid) == ("done", "sgABC")


def test_what_cannot_be_read_is_kept_as_it_came_beside_what_can(
    tell: Any, mail: str, store: Store, message_row: Any
) -> None:
    assert tell(event("delivered", mail), {"event": "new_kind"}, 7, None) == 204
    assert message_row(mail).provider_status == "delivered"
    assert tell(body=b'{"no": "list"}') == 400
    with store.read() as connection:
        rows = connection.execute(select(raw_requests.c.failure, raw_requests.c.body)).all()
    assert [row.failure for row in rows] == ["incomplete", "incomplete"]
    assert b'{"no": "list"}' in {row.body for row in rows}


@pytest.mark.sqlite
@SHARED
@given(
    entry=st.dictionaries(
        st.sampled_from(
            [
                "event",
                "sg_event_id",
                "sg_message_id",
                "email",
                "timestamp",
                "message_id",
                "reason",
                "type",
                "url",
                "x",
            ]
        ),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(max_size=40)
            | st.sampled_from(["open", MAIL]),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    )
)
def test_no_signed_event_however_odd_is_an_error_of_ours(entry: dict[str, Any], tell: Any) -> None:
    assert tell(entry) == 204
    assert tell(event("open", "msg_1", number=hash(str(entry)) % 97, extra=entry)) == 204


@pytest.mark.sqlite
@SHARED
@given(body=st.binary(max_size=200))
def test_no_signed_body_however_odd_is_an_error_of_ours(body: bytes, tell: Any) -> None:
    assert tell(body=body) in {204, 400}
    assert tell(body=b"[" * 20_000) == 400


def test_what_is_too_old_or_from_the_future_is_refused_and_a_days_delay_is_not(
    tell: Any, mail: str, store: Store
) -> None:
    assert tell(event("open", mail), age=26 * 3600) == 403
    assert tell(event("open", mail), age=-3600) == 403
    assert count(store, tracking_events) == 0
    assert tell(event("open", mail), age=23 * 3600) == 204


def test_a_body_over_two_megabytes_is_413(tell: Any, store: Store) -> None:
    assert tell(body=b" " * (2 * 1024 * 1024 + 1)) == 413
    assert count(store, raw_requests) == 0


@pytest.mark.parametrize("key", ["", "AAAA", "no base64!", EventKey("another").public])
def test_under_another_key_or_none_nothing_is_signed(key: str) -> None:
    headers = KEY.headers("1793361600", b"[]")
    assert not is_signed(key, Headers(headers), b"[]", now=1793361600)
    assert is_signed(KEY.public, Headers(headers), b"[]", now=1793361600)


@pytest.mark.parametrize("name", [SIGNATURE_HEADER, TIMESTAMP_HEADER])
@pytest.mark.parametrize("value", ["", "0", "x", "MEUCIQ==", "é", "99999999999999"])
def test_an_altered_header_is_no_signature(name: str, value: str) -> None:
    headers = KEY.headers("1793361600", b"[]") | {name: value}
    assert not is_signed(KEY.public, Headers(headers), b"[]", now=1793361600)
