"""A store that cannot be written: nothing is acknowledged that is not kept, and what comes again is kept once."""

from typing import Any

import pytest
from sqlalchemy import text

from messaging.settings import Settings
from messaging.store import Store, engine, open_store, sessions

STATUS = "/webhooks/twilio/status"
INBOUND = "/webhooks/twilio/inbound"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sessions, engine):
        monkeypatch.setattr(module, "BUSY_MILLISECONDS", 100)
    patience = tuple(line.replace("10000", "100") for line in engine.POSTGRESQL_SESSION)
    monkeypatch.setattr(engine, "POSTGRESQL_SESSION", patience)


def test_while_the_store_is_locked_nothing_is_acknowledged_and_afterwards_it_is_kept_once(
    store: Store, settings: Settings, post: Any, sent: Any, form: Any, inbound_form: Any, kept: Any
) -> None:
    sent()
    requests = [(STATUS, form("delivered")), (INBOUND, inbound_form("STOP"))]
    with open_store(settings) as other, other.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE provider_events, inbound_messages IN EXCLUSIVE MODE"))
        assert [post.signed(*request).status_code for request in requests] == [503, 503]
    assert kept() == (0, 0)
    for _ in range(2):  # a provider asks again, and now and then once too often
        assert [post.signed(*request).status_code for request in requests] == [204, 200]
    assert kept() == (1, 1)


@pytest.mark.postgresql
def test_while_the_server_is_away_nothing_is_acknowledged_and_afterwards_it_is_kept_once(
    store: Store, postgresql: Any, post: Any, sent: Any, form: Any, kept: Any
) -> None:
    message_id = sent()
    assert post.signed(f"{STATUS}?message={message_id}", form("sent")).status_code == 204
    postgresql.stop()
    try:
        assert post.signed(f"{STATUS}?message={message_id}", form("delivered")).status_code == 503
    finally:
        postgresql.start()
    assert kept() == (1, 0), "what was acknowledged is there after the crash"
    assert post.signed(f"{STATUS}?message={message_id}", form("delivered")).status_code == 204
    assert kept() == (2, 0)
