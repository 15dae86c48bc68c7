"""What a real Twilio does not have: faults on demand, a count of what happened, a phone that answers."""

from collections import Counter, defaultdict
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import Base64Bytes, BaseModel, Field

from messaging.sandbox.calls import Habit
from messaging.sandbox.exchange import Exchange
from messaging.sandbox.faults import Fault, Kind
from messaging.sandbox.mail import Mailbox
from messaging.sandbox.messages import Message, resource

if TYPE_CHECKING:
    from messaging.sandbox.app import Sandbox


class FaultForm(BaseModel):
    """A fault for the next `count` requests that create a message, or those to the one number `to`."""

    kind: Kind
    count: int = Field(1, ge=1)
    to: str | None = None
    seconds: float = Field(0.0, ge=0.0, le=120.0)
    code: int | None = None


class ClockForm(BaseModel):
    """How far time goes on at once: at most a year."""

    forward_seconds: float = Field(ge=0, le=366 * 86_400)


class FileForm(BaseModel):
    """A picture or another file that goes along."""

    content_type: str
    content: Base64Bytes


class AnswerForm(BaseModel):
    """What a person writes from their phone; a place is two numbers in degrees."""

    body: str = ""
    to: str | None = None  # the company's number; the sandbox's own where left out
    files: list[FileForm] = Field(default_factory=list, max_length=10)
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)

    @property
    def place(self) -> dict[str, str]:
        """Give the webhook's fields for the place."""
        if self.latitude is None or self.longitude is None:
            return {}
        return {"Latitude": str(self.latitude), "Longitude": str(self.longitude)}


class ReadForm(BaseModel):
    """What the reader of a mail does; `url` is the link that a click follows."""

    event: Literal["open", "machine_open", "click", "spamreport", "unsubscribe"]
    url: str = ""


class MailAnswerForm(BaseModel):
    """What the reader of a mail answers."""

    text: str = Field(min_length=1)


class ChatForm(BaseModel):
    """What a person writes in a chat."""

    author: str = "customer"
    body: str = Field(min_length=1)


def control_routes(sandbox: "Sandbox") -> APIRouter:
    """Give the routes under /_sandbox."""
    exchange, mailbox = sandbox.exchange, sandbox.mailbox
    router = APIRouter(prefix="/_sandbox")
    router.include_router(_people(sandbox))
    router.include_router(_readers(sandbox))

    @router.get("/faults")
    async def faults() -> list[dict[str, Any]]:
        return [asdict(fault) for fault in exchange.faults.waiting()]

    @router.post("/faults", status_code=201)
    async def add_fault(form: FaultForm) -> dict[str, Any]:
        exchange.faults.add(Fault(**form.model_dump()))
        return form.model_dump()

    @router.delete("/faults", status_code=204)
    async def clear_faults() -> None:
        exchange.faults.clear()

    @router.get("/summary")
    async def summarise() -> dict[str, Any]:
        return summary(exchange, mailbox)

    @router.post("/clock")
    async def forward(form: ClockForm) -> dict[str, str]:
        sandbox.forward(form.forward_seconds)
        return {"now": sandbox.clock().isoformat()}

    @router.get("/settle")
    async def settle(seconds: Annotated[float, Query(ge=0, le=120)] = 10.0) -> dict[str, bool]:
        return {"settled": await run_in_threadpool(exchange.pending.settle, seconds)}

    return router


def _people(sandbox: "Sandbox") -> APIRouter:
    """Give the routes by which a script does what people do with their phones and chats."""
    exchange, conversations = sandbox.exchange, sandbox.conversations
    router = APIRouter()

    @router.post("/phones/{number}/messages", status_code=201)
    async def answer(request: Request, number: str, form: AnswerForm) -> dict[str, Any]:
        company = form.to or exchange.settings.sender
        if any(len(file.content) > exchange.settings.media_bytes for file in form.files):
            raise HTTPException(413, f"A file may have {exchange.settings.media_bytes} bytes.")
        files = [exchange.media.add(file.content_type, file.content) for file in form.files]
        message = exchange.receive(
            number, company, form.body, files=files, base_url=str(request.base_url), fields=form.place
        )
        return resource(message, exchange.settings.account_sid)

    @router.post("/phones/{number}/habit/{habit}", status_code=204)
    async def set_habit(number: str, habit: Habit) -> None:
        sandbox.switchboard.set_habit(number, habit)

    @router.post("/conversations", status_code=201)
    async def open_conversation(name: str = "") -> dict[str, str]:
        return {"sid": conversations.open(name).sid}

    @router.post("/conversations/{sid}/messages", status_code=201)
    async def chat(sid: str, form: ChatForm) -> dict[str, str]:
        if conversations.get(sid) is None:
            raise HTTPException(404, "There is no such conversation.")
        return {"sid": conversations.answer(sid, form.author, form.body).sid}

    return router


def _readers(sandbox: "Sandbox") -> APIRouter:
    """Give the routes by which a script does what people do with their mails."""
    router = APIRouter()

    @router.post("/mails/{number}/events", status_code=204)
    async def read(number: int, form: ReadForm) -> None:
        if not sandbox.sendgrid.is_here(number):
            raise HTTPException(404, "No such mail came by SendGrid.")
        sandbox.sendgrid.read(number, form.event, **({"url": form.url} if form.url else {}))

    @router.post("/mails/{number}/answers", status_code=204)
    async def answer_mail(number: int, form: MailAnswerForm) -> None:
        mail = sandbox.mailbox.get(number)
        if mail is None:
            raise HTTPException(404, "There is no such mail.")
        sandbox.sendgrid.answer(mail, form.text)

    return router


def summary(exchange: Exchange, mailbox: Mailbox) -> dict[str, Any]:
    """Count what the sandbox holds, and what it refused since its start.

    Two messages are the same one sent twice when they carry the same status callback address (ours names the
    message in it), or, without one, the same text to the same number from the same sender.
    """
    created = [message for message in exchange.newest_first() if message.direction == "outbound-api"]
    same: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for message in reversed(created):
        same[_identity(message)].append(message.sid)
    return {
        "accepted": len(created),
        "distinct": len(same),
        "duplicates": [{"count": len(sids), "sids": sids} for sids in same.values() if len(sids) > 1],
        "by_status": dict(Counter(message.status for message in created)),
        "refused": {str(code): count for code, count in exchange.refused.items()},
        "inbound": sum(message.direction == "inbound" for message in exchange.newest_first()),
        "webhook_answers": exchange.webhook_answers,
        "pending": exchange.pending.count,
        "mails": len(mailbox.newest_first()),
    }


def _identity(message: Message) -> tuple[str, ...]:
    if message.status_callback and "?" in message.status_callback:
        return (message.status_callback,)
    return (message.recipient, message.sender or message.service_sid or "", message.body)
