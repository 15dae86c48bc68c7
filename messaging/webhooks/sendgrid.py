"""What SendGrid posts: events of the mails that we sent, and mails that people write."""

from functools import partial

from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from messaging.webhooks.door import Door, read_body, refuse, refuse_stranger
from messaging.webhooks.event_signatures import EventKeys, is_signed
from messaging.webhooks.mail_events import read_events, record_events

EVENTS_LIMIT = 2 * 1024 * 1024  # SendGrid posts 768 KB at most


def sendgrid_routes(door: Door) -> list[Route]:
    """Give the routes under /webhooks/sendgrid."""
    return [Route("/webhooks/sendgrid/events", _Posts(door).events, methods=["POST"])]


class _Posts:
    """One method a route."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._keys = EventKeys(door.settings)

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
