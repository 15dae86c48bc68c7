"""A receiver on a free port, and a hand that signs like Twilio."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import func, insert, select

from messaging import serving
from messaging.addresses import Addresses, read_addresses
from messaging.clock import Clock
from messaging.sandbox.signing import signature
from messaging.settings import SANDBOX_AUTH_TOKEN, Settings
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables import inbound_messages, messages, provider_events
from messaging.webhooks.app import build_app

PHONE = "+447700900123"
NOON = datetime.fromisoformat("2026-10-30T12:00")
STATUS = "/webhooks/twilio/status"
INBOUND = "/webhooks/twilio/inbound"


class Post:
    """Posts to the receiver."""

    def __init__(self, client: httpx.Client, public_url: str, rebuild: Callable[[Settings], None]) -> None:
        self.client = client
        self.public_url = public_url
        self._rebuild = rebuild

    def rebuilt(self, settings: Settings) -> None:
        """Go on with a receiver that is built anew, by other settings or other bounds."""
        self._rebuild(settings)
        self.public_url = settings.public_url

    def signed(self, path: str, form: Mapping[str, str], token: str = SANDBOX_AUTH_TOKEN) -> httpx.Response:
        """Post a form as Twilio does."""
        signed = signature(token, self.public_url + path, form)
        return self.raw(path, urlencode(form), {"X-Twilio-Signature": signed})

    def raw(self, path: str, body: str | bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Post anything."""
        plain = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self.client.post(path, content=body, headers=plain)


@pytest.fixture
def owners() -> list[str]:
    return []


@pytest.fixture
def addresses(settings: Settings, store: Store) -> Addresses:
    return read_addresses(settings, store)


class Stage:
    """Serves whichever app a test puts on it: a server of its own for every test would take too long."""

    def __init__(self) -> None:
        self.app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on."""
        if scope["type"] == "http":
            await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def stage() -> Iterator[tuple[Stage, str]]:
    stage = Stage()
    with serving.running(lambda _: stage) as base_url:
        yield stage, base_url


@pytest.fixture
def post(
    settings: Settings, store: Store, clock: Clock, owners: Sequence[str], stage: tuple[Stage, str]
) -> Iterator[Post]:
    """Post to a receiver that goes by its public address, and not by what it is called by."""

    def build(told: Settings) -> None:
        stage[0].app = build_app(told, store, clock, lambda _: owners)

    build(settings)
    with httpx.Client(base_url=stage[1], trust_env=False) as client:
        yield Post(client, settings.public_url, build)


@pytest.fixture
def sent(store: Store, addresses: Addresses) -> Any:
    """Put a message into the outbox that was handed to the provider; give its id."""

    def send(customer_id: str = "cus_1", **columns: Any) -> str:
        row = {
            "message_id": new_id("msg"),
            "customer_id": customer_id,
            "channel": "sms",
            "address": PHONE,
            "address_hash": addresses.hash(PHONE),
            "message_class": "marketing",
            "body": "Hello",
            "state": "accepted",
            "provider": "twilio",
            "provider_sid": "SM1",
            "provider_status": "queued",
            "attempt_count": 1,
            "created_at": NOON,
            "calling_at": NOON,
            "updated_at": NOON,
            **columns,
        }
        with store.write() as connection:
            connection.execute(insert(messages).values(**row))
        return str(row["message_id"])

    return send


@pytest.fixture
def message_row(store: Store) -> Any:
    def read(message_id: str) -> Any:
        with store.read() as connection:
            return connection.execute(select(messages).where(messages.c.message_id == message_id)).one()

    return read


@pytest.fixture
def kept(store: Store) -> Any:
    """Count what the receiver has stored: status callbacks and incoming messages."""

    def count() -> tuple[int, int]:
        with store.read() as connection:
            return (
                connection.execute(select(func.count()).select_from(provider_events)).scalar_one(),
                connection.execute(select(func.count()).select_from(inbound_messages)).scalar_one(),
            )

    return count


def status_form(status: str, sid: str = "SM1", **fields: str) -> dict[str, str]:
    return {
        "MessageSid": sid,
        "SmsSid": sid,
        "MessageStatus": status,
        "SmsStatus": status,
        "To": PHONE,
        "From": "+15005550006",
        **fields,
    }


@pytest.fixture
def form() -> Any:
    return status_form


@pytest.fixture
def inbound_form() -> Any:
    def make(body: str, sid: str = "SM9", **fields: str) -> dict[str, str]:
        base = {"MessageSid": sid, "From": PHONE, "To": "+15005550006", "Body": body, "NumMedia": "0"}
        return {**base, **fields}

    return make
