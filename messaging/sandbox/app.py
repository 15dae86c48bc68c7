"""Puts a sandbox together: the exchange, the mailbox, and every route in front of them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from fastapi import FastAPI, Request
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from messaging.sandbox.api import api_routes
from messaging.sandbox.calls import Switchboard
from messaging.sandbox.calls_api import call_routes
from messaging.sandbox.chat_pages import chat_pages
from messaging.sandbox.control import control_routes
from messaging.sandbox.conversations import Conversations
from messaging.sandbox.conversations_api import conversation_routes
from messaging.sandbox.door import Door
from messaging.sandbox.drawing import Drawing
from messaging.sandbox.exchange import Exchange
from messaging.sandbox.journal import Journal
from messaging.sandbox.mail import Mailbox
from messaging.sandbox.mail_pages import mail_pages
from messaging.sandbox.pages import page_routes
from messaging.sandbox.sendgrid import SendGrid
from messaging.sandbox.sendgrid_api import sendgrid_routes
from messaging.sandbox.settings import SandboxSettings
from messaging.sandbox.work import Works


def _utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class SandboxClock:
    """The moment (naive UTC) that a sandbox goes by; it can be set forward, and never back."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        """Give the moment."""
        return self._now() + self._ahead

    def forward(self, seconds: float) -> None:
        """Set the clock forward."""
        self._ahead += timedelta(seconds=seconds)


class Sandbox:
    """One sandbox's state: its phones, its mails, and where they survive a restart. `now` gives naive UTC."""

    def __init__(
        self, settings: SandboxSettings | None = None, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self.settings = settings or SandboxSettings()
        self.clock = SandboxClock(now)
        folder = self.settings.folder
        phones = Journal(folder / "phones.jsonl" if folder else None)
        mails = Journal(folder / "mails.jsonl" if folder else None)
        self.works = Works(self.settings)
        self.exchange = Exchange(self.settings, self.clock, phones, self.works)
        self.switchboard = Switchboard(self.settings, self.clock, self.works)
        self.conversations = Conversations(self.settings, self.clock, self.works)
        self.mailbox = Mailbox(self.settings.mails_kept, self.clock, mails)
        self.sendgrid = SendGrid(self.settings, self.clock, self.works, self.mailbox)
        self.exchange.restore(phones.read())
        self.mailbox.restore(mails.read())
        self._journals = (phones, mails)
        for journal in self._journals:
            journal.compact(force=True)

    def forward(self, seconds: float) -> None:
        """Let time pass at once: the clock goes on, and what was to come about meanwhile does."""
        self.clock.forward(seconds)
        self.works.timeline.forward(seconds)

    def close(self) -> None:
        """End every thread and close the files."""
        self.works.close()
        for journal in self._journals:
            journal.close()


def build_app(sandbox: Sandbox) -> FastAPI:
    """Give the web app of a sandbox; it answers under loopback names only: no web page reaches it by DNS."""
    app = FastAPI(title="Rapport sandbox", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]", "testserver"])
    app.add_exception_handler(ClientDisconnect, _gone)
    door = Door(sandbox.settings, sandbox.works)
    app.include_router(call_routes(sandbox.switchboard, door))
    app.include_router(conversation_routes(sandbox.conversations, door))
    app.include_router(api_routes(sandbox.exchange, door))
    app.include_router(sendgrid_routes(sandbox.sendgrid, sandbox.works))
    app.include_router(control_routes(sandbox))
    drawing = Drawing(sandbox.settings, sandbox.exchange.now)
    app.include_router(page_routes(sandbox.exchange, sandbox.switchboard, sandbox.mailbox, drawing))
    app.include_router(chat_pages(sandbox.conversations, drawing))
    app.include_router(mail_pages(sandbox.mailbox, sandbox.sendgrid, drawing))

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app


async def _gone(_: Request, __: Exception) -> Response:
    """Answer nobody: whoever asked died before the whole request was here, so nothing was created."""
    return Response(status_code=400)
