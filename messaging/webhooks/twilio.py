"""What Twilio posts: statuses of messages and calls, messages that people write, and what is said in chats."""

from collections.abc import Callable, Sequence
from functools import partial

from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from messaging import inbox
from messaging.inbox import Heard, InboundReceipt
from messaging.outbox import apply_status, apply_statuses
from messaging.webhooks.answering import queue_answer
from messaging.webhooks.door import Door, read_body, refuse, refuse_stranger
from messaging.webhooks.media import Medium, note_media
from messaging.webhooks.requests import read_chat, read_inbound, read_media, read_status, twiml
from messaging.webhooks.signatures import Form, is_signed, read_form
from messaging.webhooks.together import Together

CHAT_EVENT = "onMessageAdded"


def twilio_routes(door: Door) -> list[Route]:
    """Give the routes under /webhooks/twilio."""
    posts = _Posts(door)
    return [
        Route("/webhooks/twilio/status", posts.status, methods=["POST"]),
        Route("/webhooks/twilio/inbound", posts.inbound, methods=["POST"]),
        Route("/webhooks/twilio/conversations", posts.conversations, methods=["POST"]),
    ]


class _Posts:
    """One method a route; each makes sure of the signature before it looks at what is said."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._statuses = Together(door.store, "statuses", apply_statuses)

    async def status(self, request: Request) -> Response:
        """Take what became of a message or a call."""
        signed = await self._signed(request)
        if isinstance(signed, Response):
            return signed
        body, form = signed
        door = self._door
        raw = door.raw("twilio/status", request, body)
        update = read_status(form, request.query_params.get("message"))
        if update is None:
            await door.keep_unread(raw, "incomplete")
            return refuse(400)
        if raw.check is None and await self._statuses.take(raw, update):
            return Response(status_code=204)
        work = partial(apply_status, update_=update, now=door.clock.now())
        await door.take(raw, update.message_id or update.sid, work)
        return Response(status_code=204)

    async def inbound(self, request: Request) -> Response:
        """Take a message, by SMS, MMS or WhatsApp, and answer it where it asks for that."""
        signed = await self._signed(request)
        if isinstance(signed, Response):
            return signed
        body, form = signed
        door = self._door
        raw = door.raw("twilio/inbound", request, body)
        message = read_inbound(form)
        if message is None:
            await door.keep_unread(raw, "incomplete")
            return refuse(400)
        heard = await run_in_threadpool(
            inbox.hear, door.addresses, message, door.clock, door.find_customers, door.company
        )
        receipt = await door.take(
            raw, message.provider_sid, partial(_receive, heard=heard, media=read_media(form))
        )
        return Response(twiml(receipt.answer if receipt else None), media_type="application/xml")

    async def conversations(self, request: Request) -> Response:
        """Take what a customer says in a chat; what we say ourselves is told here too, and known already."""
        signed = await self._signed(request)
        if isinstance(signed, Response):
            return signed
        body, form = signed
        door = self._door
        raw = door.raw("twilio/conversations", request, body)
        if form.get("EventType") != CHAT_EVENT or form.get("Source") == "API":
            return Response(status_code=204)
        message = read_chat(form)
        if message is None:
            await door.keep_unread(raw, "incomplete")
            return refuse(400)
        heard = await run_in_threadpool(
            inbox.hear, door.addresses, message, door.clock, self._of_author(form), door.company
        )
        await door.take(raw, message.provider_sid, partial(_receive, heard=heard, answers_by="chat"))
        return Response(status_code=204)

    def _of_author(self, form: Form) -> Callable[[str], Sequence[str]]:
        """Look for customers by who writes: the conversation's own id is nobody's address."""
        author = form.get("Author") or ""
        return lambda _: self._door.find_customers(author)

    async def _signed(self, request: Request) -> tuple[bytes, Form] | Response:
        """Give a request that Twilio signed, or the answer to one that it did not."""
        body = await read_body(request)
        if body is None:
            return refuse(413)
        form = read_form(request.headers, body)
        token, urls = self._door.settings.twilio_token, self._door.public_addresses(request)
        if form is None or not any(is_signed(token, url, request.headers, form) for url in urls):
            return refuse_stranger(request)
        return body, form


def _receive(
    connection: Connection, heard: Heard, media: Sequence[Medium] = (), answers_by: str | None = None
) -> InboundReceipt:
    """Store a message with what came along; its answer goes by the outbox where the request cannot carry it."""
    receipt = inbox.record(connection, heard)
    if not receipt.duplicate:
        note_media(connection, receipt.inbound_id, media, heard.at)
        if answers_by is not None:
            queue_answer(connection, heard, receipt, answers_by)
    return receipt
