"""A sandbox on a free port, the real Twilio client in front of it, and a listener to its webhooks."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from messaging import serving
from messaging.sandbox.app import Sandbox, build_app
from messaging.sandbox.server import RunningSandbox
from messaging.sandbox.settings import SandboxSettings

NOON = datetime.fromisoformat("2026-10-30T12:00")
PHONE = "+447700900123"
SENDER = "+15005550006"


class Heard:
    """What came to the listener, and how it answers."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.answer = 204
        self.first: list[int] = []  # how the first calls are answered, before `answer` is
        self._lock = threading.Lock()

    def note(self, call: dict[str, Any]) -> None:
        """Remember a call."""
        with self._lock:
            self.calls.append(call)

    def next_answer(self) -> int:
        """Give the status that the next call is answered with."""
        with self._lock:
            return self.first.pop(0) if self.first else self.answer

    @property
    def statuses(self) -> list[str]:
        """Give the statuses that were called back, in order."""
        return [call["form"]["MessageStatus"] for call in self.calls if "MessageStatus" in call["form"]]


@dataclass
class Listener:
    """Takes webhooks and remembers them."""

    base_url: str
    heard: Heard = field(default_factory=Heard)

    @property
    def status_url(self) -> str:
        """Give an address for status callbacks."""
        return f"{self.base_url}/status?message=msg_1"


class MovableClock:
    """A clock that a test sets forward."""

    def __init__(self) -> None:
        self.moment = NOON

    def __call__(self) -> datetime:
        """Give the moment it stands at, as naive UTC."""
        return self.moment

    def forward(self, **units: float) -> None:
        """Set the clock forward."""
        self.moment += timedelta(**units)


@pytest.fixture
def now() -> MovableClock:
    return MovableClock()


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


@pytest.fixture(scope="session")
def listening() -> Iterator[tuple[Stage, str]]:
    stage = Stage()
    with serving.running(lambda _: stage) as base_url:
        yield stage, base_url


@pytest.fixture
def listener(listening: tuple[Stage, str]) -> Listener:
    stage, base_url = listening
    listener = Listener(base_url)
    stage.app = FastAPI()

    @stage.app.post("/{path:path}")
    async def take(request: Request, path: str) -> Response:
        form = dict(await request.form())
        raw, query = request.scope["raw_path"].decode(), request.scope["query_string"].decode()
        url = f"{listener.base_url}{raw}?{query}" if query else f"{listener.base_url}{raw}"
        call = {"path": path, "url": url, "form": form, "headers": dict(request.headers)}
        listener.heard.note(call)
        return Response(status_code=listener.heard.next_answer())

    return listener


@pytest.fixture
def box_settings(listener: Listener) -> SandboxSettings:
    return SandboxSettings(step_seconds=0.005, retry_pause=0.01, inbound_url=f"{listener.base_url}/inbound")


@pytest.fixture
def box(
    box_settings: SandboxSettings, now: MovableClock, stage: tuple[Stage, str]
) -> Iterator[RunningSandbox]:
    sandbox = Sandbox(box_settings, now)
    stage[0].app = build_app(sandbox)
    yield RunningSandbox(stage[1], 0, sandbox)
    sandbox.close()


class LocalHttpClient(TwilioHttpClient):
    """Sends what is meant for Twilio's hosts to the sandbox."""

    def __init__(self, base_url: str) -> None:
        super().__init__(timeout=10)
        self.base_url = base_url

    def request(self, method: str, url: str, *arguments: Any, **options: Any) -> Any:
        """Send a request."""
        for host in ("https://api.twilio.com", "https://conversations.twilio.com"):
            url = url.replace(host, self.base_url)
        return super().request(method, url, *arguments, **options)


@pytest.fixture
def twilio(box: RunningSandbox, box_settings: SandboxSettings) -> Iterator[Client]:
    client = Client(
        box_settings.account_sid, box_settings.auth_token, http_client=LocalHttpClient(box.base_url)
    )
    yield client
    client.http_client.session.close()


@pytest.fixture
def http(box: RunningSandbox) -> Iterator[httpx.Client]:
    """Speak to the sandbox as a browser or a control script does."""
    with httpx.Client(base_url=box.base_url, trust_env=False) as client:
        yield client


@pytest.fixture
def send(twilio: Client) -> Any:
    """Send a text to the usual phone; what is given replaces the usual fields."""

    def create(body: str = "Hello", **fields: Any) -> Any:
        fields = {"to": PHONE, "from_": SENDER, **fields}
        return twilio.messages.create(body=body, **fields)

    return create


@pytest.fixture
def fault(http: httpx.Client) -> Any:
    def ask(kind: str, **fields: Any) -> None:
        http.post("/_sandbox/faults", json={"kind": kind, **fields}).raise_for_status()

    return ask
