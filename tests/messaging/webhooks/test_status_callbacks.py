"""Status callbacks: each kept once as it came, in any order, and acknowledged only after the commit."""

import itertools
from typing import Any

import pytest
from sqlalchemy import select

from data_contracts.errors import StoreError
from messaging.store import Store
from messaging.store.tables import provider_events, suppressions

STATUS = "/webhooks/twilio/status"


def test_a_callback_is_kept_raw_and_moves_its_message(
    post: Any, form: Any, sent: Any, message_row: Any, store: Store
) -> None:
    message_id = sent()
    answer = post.signed(f"{STATUS}?message={message_id}", form("delivered", RawDlrDoneDate="2610301200"))
    assert answer.status_code == 204
    row = message_row(message_id)
    assert (row.state, row.provider_status) == ("done", "delivered")
    with store.read() as connection:
        event = connection.execute(select(provider_events)).one()
    assert event.payload == form("delivered", RawDlrDoneDate="2610301200")
    assert (event.message_id, event.provider_sid, event.status) == (message_id, "SM1", "delivered")


def test_the_same_callback_five_times_is_one_row(post: Any, form: Any, sent: Any, kept: Any) -> None:
    message_id = sent()
    for _ in range(5):
        assert post.signed(f"{STATUS}?message={message_id}", form("sent")).status_code == 204
    assert kept() == (1, 0)


@pytest.mark.parametrize("order", list(itertools.permutations(["queued", "sending", "sent", "delivered"])))
def test_in_any_order_the_highest_rank_stands(
    order: tuple[str, ...], post: Any, form: Any, sent: Any, message_row: Any
) -> None:
    message_id = sent()
    for status in order:
        assert post.signed(f"{STATUS}?message={message_id}", form(status)).status_code == 204
    assert (message_row(message_id).state, message_row(message_id).provider_status) == ("done", "delivered")


def test_a_callback_proves_a_message_whose_answer_was_lost(
    post: Any, form: Any, sent: Any, message_row: Any
) -> None:
    message_id = sent(state="unknown", provider_sid=None, provider_status=None, reason="no_answer")
    post.signed(f"{STATUS}?message={message_id}", form("sent", sid="SM7"))
    row = message_row(message_id)
    assert (row.state, row.provider_sid, row.provider_status) == ("accepted", "SM7", "sent")


def test_a_failure_carries_its_code_and_a_dead_number_is_suppressed(
    post: Any, form: Any, sent: Any, message_row: Any, store: Store
) -> None:
    message_id = sent()
    post.signed(f"{STATUS}?message={message_id}", form("undelivered", ErrorCode="30005"))
    row = message_row(message_id)
    assert (row.state, row.error_code) == ("failed", 30005)
    with store.read() as connection:
        assert connection.execute(select(suppressions.c.reason)).scalars().all() == ["provider"]


def test_a_callback_about_a_message_that_we_do_not_know_is_kept(post: Any, form: Any, kept: Any) -> None:
    assert post.signed(STATUS, form("sent", sid="SM404")).status_code == 204
    assert post.signed(f"{STATUS}?message=nonsense", form("sent", sid="SM405")).status_code == 204
    assert kept() == (2, 0)


@pytest.mark.parametrize("code", ["", "rubbish", "99999999999", "-1", "٣"])
def test_an_odd_error_code_is_no_error_of_ours(code: str, post: Any, form: Any, kept: Any) -> None:
    assert post.signed(STATUS, form("failed", ErrorCode=code)).status_code == 204
    assert kept() == (1, 0)


def test_a_nul_character_is_taken_out(post: Any, form: Any, store: Store) -> None:
    assert post.signed(STATUS, form("sent", Words="a\x00b")).status_code == 204
    with store.read() as connection:
        assert connection.execute(select(provider_events.c.payload)).scalar_one()["Words"] == "a\ufffdb"


def test_what_could_not_be_committed_is_not_acknowledged(
    post: Any, form: Any, kept: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked() -> None:
        raise StoreError("Another process has held the store's write lock for too long.")

    with monkeypatch.context() as broken:
        broken.setattr(store, "write", locked)
        assert post.signed(STATUS, form("sent")).status_code == 503
    assert post.signed(STATUS, form("sent")).status_code == 204
    assert kept() == (1, 0)


def test_it_is_well_while_the_store_answers(post: Any) -> None:
    assert post.client.get("/healthz").json() == {"status": "ok", "store": "current"}
    assert post.client.get("/").status_code == 200
    assert post.client.get("/docs").status_code == 404
