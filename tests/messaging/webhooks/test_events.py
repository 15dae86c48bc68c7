"""POST /events: with a key, as the contract asks, all of a post or none, and each message id once."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select

from messaging import api_keys
from messaging.clock import Clock
from messaging.store import Store
from messaging.store.tables_receiver import api_keys as key_rows
from messaging.store.tables_receiver import raw_requests, sent_events

SHARED = examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
EVENT = {
    "message_id": "m1",
    "name": "viewed_product",
    "email": "ada@example.com",
    "occurred_at": "2026-10-30T11:00:00+01:00",
}


@pytest.fixture
def key(store: Store, clock: Clock) -> str:
    with store.write() as connection:
        return api_keys.create(connection, "web-shop", "ann", clock.now())[1]


@pytest.fixture
def send(post: Any, key: str) -> Any:
    def to(document: Any, secret: str | None = key) -> Any:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {secret}"} if secret else {}
        )
        return post.raw("/events", body, headers)

    return to


@pytest.fixture
def stored(store: Store) -> Any:
    def read() -> list[Any]:
        with store.read() as connection:
            return list(connection.execute(select(sent_events).order_by(sent_events.c.message_id)))

    return read


def test_an_event_is_stored_once_however_often_it_comes(send: Any, stored: Any) -> None:
    answers = [send(EVENT).json() for _ in range(3)]
    assert answers[0] == {"accepted": 1, "known": 0}
    assert answers[1:] == [{"accepted": 0, "known": 1}] * 2
    (row,) = stored()
    assert (row.message_id, row.occurred_at.isoformat(), row.event) == ("m1", "2026-10-30T10:00:00", EVENT)


def test_the_same_id_of_two_programs_is_two_events_and_of_a_renewed_key_one(
    send: Any, stored: Any, store: Store, clock: Clock
) -> None:
    with store.write() as connection:
        erp = api_keys.create(connection, "erp", "ann", clock.now())[1]
        renewed = api_keys.create(connection, "web-shop", "ann", clock.now())[1]
    assert send(EVENT).json() == {"accepted": 1, "known": 0}
    assert send(EVENT | {"name": "invoice_paid"}, erp).json() == {"accepted": 1, "known": 0}
    assert send(EVENT, renewed).json() == {"accepted": 0, "known": 1}
    assert {(row.sender, row.event["name"]) for row in stored()} == {
        ("web-shop", "viewed_product"),
        ("erp", "invoice_paid"),
    }


def test_a_batch_is_taken_whole_or_not_at_all(send: Any, stored: Any) -> None:
    batch = [EVENT | {"message_id": f"m{number}"} for number in range(3)]
    wrong = [*batch, EVENT | {"message_id": "m9", "name": "Not A Name", "email": "x" * 400}]
    answer = send({"batch": wrong})
    assert answer.status_code == 400
    assert {(each["index"], each["field"]) for each in answer.json()["events"]} == {(3, "name"), (3, "email")}
    assert "xxx" not in answer.text
    assert stored() == []
    assert send(batch).json()["accepted"] == 3
    assert send({"batch": batch}).json() == {"accepted": 0, "known": 3}


@pytest.mark.parametrize("depth", [51, 900, 200_000])
def test_a_post_that_is_nested_deeply_is_refused_and_not_asked_for_again(
    depth: int, send: Any, stored: Any
) -> None:
    deep = b"[" * depth + b"1" + b"]" * depth
    body = json.dumps(EVENT | {"properties": {"a": 0}}).encode().replace(b"0}", deep + b"}")
    assert send(body).status_code == 400
    assert send(EVENT | {"properties": {"a": [[[[1]]]]}}).json() == {"accepted": 1, "known": 0}
    assert len(stored()) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"message_id": None}, "message_id"),
        ({"name": "login\n"}, "name"),
        ({"occurred_at": "2026-10-30T11:00:00"}, "occurred_at"),
        ({"occurred_at": "2027-10-30T11:00:00Z"}, "occurred_at"),
        ({"occurred_at": "1960-10-30T11:00:00Z"}, "occurred_at"),
        ({"value_minor": 1.5, "currency": "GBP"}, "value_minor"),
        ({"value_minor": 2**63, "currency": "GBP"}, "value_minor"),
        ({"value_minor": 100}, ""),
        ({"properties": "text"}, "properties"),
        ({"source": "ours"}, ""),
        ({"raw_record": "{}"}, ""),
    ],
)
def test_what_would_break_the_contract_is_refused_with_its_field(
    change: dict[str, Any], field: str, send: Any, stored: Any
) -> None:
    answer = send(EVENT | change)
    assert answer.status_code == 400
    assert [each["field"] for each in answer.json()["events"]] == [field]
    assert stored() == []


def test_without_a_key_it_is_401_with_a_wrong_or_revoked_one_403_and_nothing_is_kept(
    send: Any, key: str, store: Store, clock: Clock, stored: Any
) -> None:
    assert send(EVENT, None).status_code == 401
    for wrong in (key[:-1] + ("a" if key[-1] != "a" else "b"), key.upper(), "x", key + "x", "rapport_"):
        assert send(EVENT, wrong).status_code == 403
    with store.write() as connection:
        (listed,) = api_keys.list_keys(connection)
        api_keys.revoke(connection, listed.key_id, "ann", clock.now())
    assert send(EVENT).status_code == 403
    with store.read() as connection:
        assert connection.execute(select(raw_requests)).all() == []
        assert key not in str(connection.execute(select(key_rows)).all())
    assert stored() == []


@SHARED
@pytest.mark.sqlite
@given(document=st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from([*EVENT, "batch", "value_minor", "currency", "properties", "external_id", "x"]), inner, max_size=6
    ),
    max_leaves=12,
))  # fmt: skip
def test_no_document_however_odd_is_an_error_of_ours(document: Any, send: Any) -> None:
    assert send(document).status_code in {200, 400}
    strange = json.dumps(str(document))[1:-1]
    assert send(
        EVENT | {"message_id": f"m {strange}"[:400], "properties": {"odd": document}}
    ).status_code in {200, 400}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[" * 100_000, b"[]", b'{"message_id": NaN}', b"7" * 5000]
)
def test_what_is_no_json_or_no_event_is_400(body: bytes, send: Any) -> None:
    assert send(body).status_code == 400


def test_too_many_events_are_400_and_too_many_bytes_413(send: Any, stored: Any) -> None:
    assert send([EVENT] * 501).status_code == 400
    assert send(b" " * (1024 * 1024 + 1)).status_code == 413
    assert stored() == []


def test_the_schema_is_public_and_made_of_the_contract(post: Any) -> None:
    told = post.client.get("/events/schema.json").json()
    assert told["required"] == ["message_id", "name"]
    assert told["dependentRequired"] == {"value_minor": ["currency"]}
    assert "received_at" not in told["properties"]
