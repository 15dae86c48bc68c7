"""What a real Twilio does not have: faults on demand, a count of what happened, a phone that answers."""

from collections import Counter, defaultdict
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from messaging.sandbox.exchange import Exchange
from messaging.sandbox.faults import Fault, Kind
from messaging.sandbox.mail import Mailbox
from messaging.sandbox.messages import Message, resource


class FaultForm(BaseModel):
    """A fault for the next `count` requests that create a message, or those to the one number `to`."""

    kind: Kind
    count: int = Field(1, ge=1)
    to: str | None = None
    seconds: float = Field(0.0, ge=0.0, le=120.0)
    code: int | None = None


class AnswerForm(BaseModel):
    """What a person writes from their phone."""

    body: str
    to: str | None = None  # the company's number; the sandbox's own where left out


def control_routes(exchange: Exchange, mailbox: Mailbox) -> APIRouter:
    """Give the routes under /_sandbox."""
    router = APIRouter(prefix="/_sandbox")

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

    @router.post("/phones/{number}/messages", status_code=201)
    async def answer(number: str, form: AnswerForm) -> dict[str, Any]:
        company = form.to or exchange.settings.sender
        return resource(exchange.receive(number, company, form.body), exchange.settings.account_sid)

    @router.get("/summary")
    async def summarise() -> dict[str, Any]:
        return summary(exchange, mailbox)

    @router.get("/settle")
    async def settle(seconds: Annotated[float, Query(ge=0, le=120)] = 10.0) -> dict[str, bool]:
        return {"settled": await run_in_threadpool(exchange.pending.settle, seconds)}

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
