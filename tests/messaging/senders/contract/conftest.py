"""The subjects of the contract: each sender in front of the sandbox, over HTTP or SMTP, and the fake in memory."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

import pytest

from messaging import serving
from messaging.links import Links
from messaging.sandbox.app import Sandbox, build_app
from messaging.sandbox.faults import Fault
from messaging.sandbox.mail import catching
from messaging.sandbox.settings import SandboxSettings
from messaging.senders.base import OutboundMessage, Rejected, Sender, Unknown
from messaging.senders.chat import ChatSender
from messaging.senders.sendgrid import SendGridAccount, SendGridSender
from messaging.senders.smtp import Mailbox, SmtpSender
from messaging.senders.twilio import TwilioSender
from messaging.senders.twilio_account import TwilioAccount
from messaging.senders.voice import VoiceSender
from messaging.senders.whatsapp import WhatsAppSender
from messaging.store.ids import new_id

SERVICE = "IS" + "0" * 32
_numbers = itertools.count(100)


@dataclass(frozen=True)
class Request:
    """One request as it came over the wire; `pairs` are its form's, or its query's where it has no body."""

    method: str
    path: str
    pairs: list[tuple[str, str]]
    content_type: str
    authorization: str


class Recorder:
    """Stands before an app and keeps every request that passes."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.requests: list[Request] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Keep a request and pass it on."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        self._keep(scope, body)
        parts = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def replay() -> Any:
            return next(parts, None) or await receive()

        await self.app(scope, replay, send)

    def _keep(self, scope: Any, body: bytes) -> None:
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        said = body if scope["method"] == "POST" else scope["query_string"]
        self.requests.append(
            Request(
                scope["method"],
                scope["path"],
                parse_qsl(said.decode(), keep_blank_values=True),
                headers.get("content-type", ""),
                headers.get("authorization", ""),
            )
        )


@dataclass
class Provider:
    """A running sandbox, what it was asked over HTTP, and where its mail catcher is."""

    sandbox: Sandbox
    base_url: str
    recorder: Recorder
    mail_port: int


@pytest.fixture(scope="session")
def sandboxed() -> Iterator[Provider]:
    settings = SandboxSettings(step_seconds=60, conversations_kept=10_000)  # nothing moves by itself
    sandbox = Sandbox(settings)
    recorder = Recorder(build_app(sandbox))
    with (
        catching(sandbox.mailbox, settings, "127.0.0.1", 0) as mail_port,
        serving.running(lambda _: recorder) as base_url,
    ):
        yield Provider(sandbox, base_url, recorder, mail_port)
    sandbox.close()


class Subject(Protocol):
    """A sender, and what a test has to know and do at its provider."""

    sender: Sender

    def message(self, **fields: Any) -> OutboundMessage:
        """Give a message to somebody who got none before."""

    def befall(self, kind: str, message: OutboundMessage) -> None:
        """Let a fault of the sandbox's befall the next call for a message."""

    def taken(self, message: OutboundMessage) -> int:
        """Count how often the provider took something to the message's address."""


@dataclass
class InSandbox:
    """A sender in front of the sandbox."""

    provider: Provider
    sender: Sender
    address: Callable[[int], str]
    count: Callable[[str], int]
    channel: str
    fields: dict[str, Any] = field(default_factory=dict)
    prefix: str = ""

    def message(self, **fields: Any) -> OutboundMessage:
        """Give a message to somebody who got none before."""
        number = next(_numbers)
        plain = {"body": f"Hello number {number}", **self.fields}
        return OutboundMessage(new_id("msg"), self.channel, self.address(number), **(plain | fields))

    def befall(self, kind: str, message: OutboundMessage) -> None:
        """Let a fault befall the next call for a message."""
        fault = Fault(kind, to=self.prefix + message.to)  # type: ignore[arg-type]
        self.provider.sandbox.works.faults.add(fault)

    def taken(self, message: OutboundMessage) -> int:
        """Count what the sandbox took to the message's address."""
        return self.count(self.prefix + message.to)


class InMemory:
    """The fake that the tests of the outbox and the dispatcher send through."""

    def __init__(self, provider: Any) -> None:
        self.sender = provider

    def message(self, **fields: Any) -> OutboundMessage:
        """Give a message to somebody who got none before."""
        number = next(_numbers)
        plain = {"body": f"Hello number {number}"}
        return OutboundMessage(new_id("msg"), "sms", _phone(number), **(plain | fields))

    def befall(self, kind: str, message: OutboundMessage) -> None:  # noqa: ARG002 - its answers are for anybody
        """Lay down the answer that the sandbox's fault brings about."""
        endings = {
            "reject_429": Rejected("retry", "The provider asks us to slow down.", 20429, 429, attempts=8),
            "error_500": Unknown("The provider answered with an error of its own (HTTP 500).", 500, 20500),
            "drop": Unknown("The connection to the provider broke."),
        }
        self.sender.answers.append(endings.get(kind, self.sender.accept_and_break_off))

    def taken(self, message: OutboundMessage) -> int:
        """Count what the fake took to the message's address."""
        return sum(one.to == message.to for one in self.sender.accepted)


def _phone(number: int) -> str:
    return f"+4477009{number:05d}"


def _sms(provider: Provider) -> InSandbox:
    threads = provider.sandbox.exchange.thread
    sender = TwilioSender(_account(provider))
    return InSandbox(provider, sender, _phone, lambda to: len(threads(to)), "sms")


def _whatsapp(provider: Provider) -> InSandbox:
    threads = provider.sandbox.exchange.thread
    fields = {"window_open": True}
    sender = WhatsAppSender(_account(provider))
    return InSandbox(
        provider, sender, _phone, lambda to: len(threads(to)), "whatsapp", fields, prefix="whatsapp:"
    )


def _voice(provider: Provider) -> InSandbox:
    calls = provider.sandbox.switchboard.of
    sender = VoiceSender(_account(provider))
    return InSandbox(provider, sender, _phone, lambda to: len(calls(to)), "voice", {"language": "en-GB"})


def _chat(provider: Provider) -> InSandbox:
    chats = provider.sandbox.conversations
    sender = ChatSender(_account(provider), SERVICE, "Harbour & Pine")
    return InSandbox(
        provider,
        sender,
        lambda number: chats.open(str(number)).sid,
        lambda to: len(chats.messages(to)),
        "chat",
    )


def _mails(provider: Provider) -> Callable[[str], int]:
    mailbox = provider.sandbox.mailbox
    return lambda to: sum(mail.envelope_to == (to,) for mail in mailbox.newest_first())


def _links(provider: Provider) -> Links:
    return Links(b"k" * 32, provider.base_url)


def _sendgrid(provider: Provider) -> InSandbox:
    account = SendGridAccount("SG.key", provider.base_url, "hello@shop.example.com", "Harbour & Pine")
    sender = SendGridSender(account, _links(provider))
    return InSandbox(provider, sender, _mail_address, _mails(provider), "email", {"subject": "For you"})


def _smtp(provider: Provider) -> InSandbox:
    mailbox = Mailbox(f"smtp://127.0.0.1:{provider.mail_port}", "hello@shop.example.com", "Harbour & Pine")
    sender = SmtpSender(mailbox, _links(provider))
    return InSandbox(provider, sender, _mail_address, _mails(provider), "email", {"subject": "For you"})


def _mail_address(number: int) -> str:
    return f"ada{number}@example.com"


def _account(provider: Provider) -> TwilioAccount:
    settings = provider.sandbox.settings
    return TwilioAccount(
        settings.account_sid, settings.auth_token, provider.base_url, "http://127.0.0.1:9", settings.sender
    )


BY_TWILIO = {"sms": _sms, "whatsapp": _whatsapp, "voice": _voice, "chat": _chat}
BY_HTTP = {**BY_TWILIO, "sendgrid": _sendgrid}
MAKERS = {**BY_HTTP, "smtp": _smtp}


@pytest.fixture
def subject(request: pytest.FixtureRequest) -> Subject:
    """Give the subject that a test names by `indirect` parameters; "fake" is the one in memory."""
    if request.param == "fake":
        return InMemory(request.getfixturevalue("provider"))
    return MAKERS[request.param](request.getfixturevalue("sandboxed"))
