"""What SendGrid posts: events of the mails that we sent, and mails that people write."""

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from messaging import inbox
from messaging.inbox import Heard
from messaging.webhooks.answering import queue_answer
from messaging.webhooks.delivery_reports import read_reports, record_reports
from messaging.webhooks.door import Door, read_body, refuse, refuse_stranger
from messaging.webhooks.event_signatures import SIGNATURE, EventKeys, is_signed
from messaging.webhooks.inbound_mail import read_mail
from messaging.webhooks.mail_events import read_events, record_events

MAIL_LIMIT = 31 * 1024 * 1024  # SendGrid takes mails of up to 30 MB
MAILS_AT_ONCE = 4
STRANGE_MAILS_AT_ONCE = (
    2  # whose signature cannot be verified before they are read: they keep no others waiting
)
MAIL_SECONDS = 60.0  # to wait for the turn and to read one
EVENTS_LIMIT = 2 * 1024 * 1024  # SendGrid posts 768 KB at most


def sendgrid_routes(door: Door) -> list[Route]:
    """Give the routes under /webhooks/sendgrid."""
    posts = _Posts(door)
    return [
        Route("/webhooks/sendgrid/events", posts.events, methods=["POST"]),
        Route("/webhooks/sendgrid/inbound", posts.inbound, methods=["POST"]),
    ]


def inbound_key(door: Door) -> str:
    """Give the key that the address of Inbound Parse carries: SendGrid signs only what it is told to sign."""
    return door.links.sign("sendgrid", "inbound")


class _Posts:
    """One method a route."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._keys = EventKeys(door.settings)
        self._known = asyncio.Semaphore(MAILS_AT_ONCE)
        self._unknown = asyncio.Semaphore(STRANGE_MAILS_AT_ONCE)

    async def events(self, request: Request) -> Response:
        """Take what became of mails."""
        body = await read_body(request, EVENTS_LIMIT)
        if body is None:
            return refuse(413)
        key = await run_in_threadpool(self._keys.key)
        if not is_signed(key, request.headers, body):
            return refuse_stranger(request)
        door, now = self._door, self._door.clock.now()
        raw = door.raw("sendgrid/events", request, body)
        try:
            events, strange = read_events(body, now)
        except ValueError:
            await door.keep_unread(raw, "incomplete")
            return refuse(400)
        work = partial(record_events, addresses=door.addresses, events=events, now=now)
        await door.take(raw, raw.digest, work)
        if strange:
            await door.keep_unread(raw, "incomplete")
        return Response(status_code=204)

    async def inbound(self, request: Request) -> Response:
        """Take a mail that somebody wrote: a few at a time, for one may have 31 MB."""
        known = self._is_known(request)
        if not known and not self._may_be_signed(request):
            return refuse_stranger(request)  # before anything of it is read
        try:
            async with asyncio.timeout(MAIL_SECONDS) as limit, self._known if known else self._unknown:
                body = await read_body(request, MAIL_LIMIT)
                limit.reschedule(None)
                if body is None:
                    return refuse(413)
                if not known and not is_signed(
                    self._door.settings.sendgrid_verification_key, request.headers, body
                ):
                    return refuse_stranger(request)
                return await self._take(request, body)
        except TimeoutError:
            return refuse(503)

    async def _take(self, request: Request, body: bytes) -> Response:
        door = self._door
        raw = door.raw("sendgrid/inbound", request, body)
        try:
            message = await run_in_threadpool(read_mail, raw.content_type, body, raw.digest)
            reports = await run_in_threadpool(read_reports, raw.content_type, body)
        except Exception as error:  # noqa: BLE001 - mails are what strangers make them
            await door.keep_unread(raw, error)
            return Response(status_code=204)
        tell = partial(record_reports, addresses=door.addresses, reports=reports, now=raw.at)
        if message is None and reports:  # a server that gives itself no address
            await door.take(raw, raw.digest, tell)
            return Response(status_code=204)
        if message is None:
            await door.keep_unread(raw, "incomplete")
            return Response(status_code=204)  # it is kept; SendGrid would only post the same again
        heard = await run_in_threadpool(
            inbox.hear, door.addresses, message, door.clock, door.find_customers, door.company
        )
        if reports:  # what it says of ours is quoted, and nobody's opt-out
            heard = replace(heard, held=None)
        await door.take(raw, message.provider_sid, partial(_receive, heard=heard, tell=tell))
        return Response(status_code=204)

    def _is_known(self, request: Request) -> bool:
        """Say whether a mail comes from SendGrid by our key in its address; a sandbox needs none."""
        key = request.query_params.get("key", "")
        if hmac.compare_digest(key.encode("utf-8", "replace"), inbound_key(self._door).encode()):
            return True
        return self._door.settings.sending == "sandbox" and not key

    def _may_be_signed(self, request: Request) -> bool:
        """Say whether there is a signature, and a key to verify it by once the mail is read."""
        return bool(self._door.settings.sendgrid_verification_key) and SIGNATURE in request.headers


def _receive(connection: Connection, heard: Heard, tell: Callable[[Connection], int]) -> None:
    """Store a mail, take what it reports, and queue our one answer where it asks for one."""
    tell(connection)
    receipt = inbox.record(connection, heard)
    if not receipt.duplicate:
        subject = str(heard.inbound.payload.get("subject") or "").strip()[:200]
        queue_answer(connection, heard, receipt, "email", f"Re: {' '.join(subject.split())}".strip())
