"""Each way in is tried by a request that goes all the way and leaves nobody behind; a broken one is found and named."""

import threading
import time
from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.responses import Response

from data_contracts.errors import StoreError
from messaging.clock import Clock
from messaging.links import read_links
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import inbound_messages, messages, provider_events
from messaging.store.tables_receiver import intakes, raw_requests, sent_events
from messaging.webhooks import checking, contact
from messaging.webhooks.app import build_app
from messaging.webhooks.checking import Checker
from messaging.webhooks.checks import HEADER, check_token

ALL = {
    "twilio/inbound", "twilio/status", "twilio/conversations", "sendgrid/inbound", "sendgrid/events", "events", "contact",
}  # fmt: skip
WRITTEN = (inbound_messages, messages, provider_events, raw_requests, sent_events)


@pytest.fixture
def here(settings: Settings, stage: Any, store: Store, clock: Clock) -> Settings:
    """Give the settings of an installation whose public address is the test's own receiver."""
    ours = settings.model_copy(update={"public_url": stage[1], "sendgrid_verification_key": "AAAA"})
    stage[0].app = build_app(ours, store, clock, lambda _: [])
    return ours


def counted(store: Store) -> list[int]:
    with store.read() as connection:
        return [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in WRITTEN]


def found(store: Store) -> dict[str, tuple[bool, str | None]]:
    with store.read() as connection:
        return {
            row.intake: (row.failing_since is None, row.reason) for row in connection.execute(select(intakes))
        }


def test_every_intake_is_tried_all_the_way_and_nothing_is_left_behind(
    here: Settings, store: Store, clock: Clock
) -> None:
    for _ in range(2):
        assert Checker(here, store, clock).check_all() == dict.fromkeys(ALL)
    assert found(store) == dict.fromkeys(ALL, (True, None))
    assert counted(store) == [0] * len(WRITTEN)


def test_an_intake_that_breaks_is_named_and_is_well_again_by_itself(
    here: Settings, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(contact, "_acknowledge", broken)
        assert Checker(here, store, clock).check_all()["contact"] == "http_503"
    assert found(store)["contact"] == (False, "http_503")
    Checker(here, store, clock).check_all()
    assert found(store)["contact"] == (True, None)


def test_a_receiver_that_nobody_reaches_or_that_answers_without_writing_is_found(
    here: Settings, store: Store, clock: Clock, stage: Any
) -> None:
    stage[0].app = Response(status_code=204)
    reasons = Checker(here, store, clock).check_all()
    assert reasons.pop("sendgrid/events") == "http_204"
    assert set(reasons.values()) == {"not_recorded"}
    away = here.model_copy(update={"public_url": "http://127.0.0.1:9"})
    assert set(Checker(away, store, clock).check_all().values()) == {"ConnectionError"}


@pytest.mark.parametrize("wrong", ["other intake", "old", "forged", "odd"])
def test_nobody_else_can_pass_for_a_check(wrong: str, here: Settings, store: Store, post: Any) -> None:
    links, now = read_links(here), int(time.time())
    token = {
        "other intake": check_token(links, "contact", now),
        "old": check_token(links, "events", now - 3600),
        "forged": check_token(links, "events", now)[:-1] + "x",
        "odd": "9" * 30 + ".é",
    }[wrong]
    answer = post.raw("/events", b'{"message_id": "1", "name": "login"}', {HEADER: token.encode()})
    assert answer.status_code == 401


def test_a_store_that_is_locked_ends_no_checker(
    here: Settings, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    tries = []

    def locked(*_: Any) -> None:
        tries.append(1)
        if len(tries) == 3:
            stop.set()
        raise StoreError("Locked.")

    monkeypatch.setattr(Checker, "check_all", locked)
    monkeypatch.setattr(checking, "FIRST_AFTER", 0.01)
    monkeypatch.setattr(checking, "EVERY", 0.01)
    Checker(here, store, clock).run(stop)
    assert len(tries) == 3
