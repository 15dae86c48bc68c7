"""The links in our messages that act by a button: end these messages, or agree to them. Looking changes nothing."""

from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from messaging.webhooks.confirming import Request as OptInRequest
from messaging.webhooks.confirming import confirm, find_request
from messaging.webhooks.door import Door, read_body, refuse
from messaging.webhooks.pages import Pages
from messaging.webhooks.unsubscribing import find_message, unsubscribe

if TYPE_CHECKING:
    from sqlalchemy import Row

log = structlog.get_logger(__name__)


def leaving_routes(door: Door) -> list[Route]:
    """Give the routes of unsubscribe links and of double opt-ins."""
    links = _Links(door)
    return [
        Route("/u/{token}", links.ask, methods=["GET"]),
        Route("/u/{token}", links.unsubscribe, methods=["POST"]),
        Route("/c/{token}", links.ask_consent, methods=["GET"]),
        Route("/c/{token}", links.confirm, methods=["POST"]),
    ]


class _Links:
    """One method a route."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._pages = Pages(door.settings.company_name)

    async def ask(self, request: Request) -> Response:
        """Show the button."""
        message = await run_in_threadpool(self._message_of, request.path_params["token"])
        return self._pages.ask(message.channel) if message else self._pages.unknown()

    async def unsubscribe(self, request: Request) -> Response:
        """End the messages: the page's button, or a mailbox's own (RFC 8058)."""
        if await read_body(request) is None:
            return refuse(413)
        message = await run_in_threadpool(self._message_of, request.path_params["token"])
        if message is None:
            return self._pages.unknown()
        work = partial(unsubscribe, message=message, at=self._door.clock.now())
        await self._door.write(message.message_id, work)
        log.info("unsubscribed", message_id=message.message_id)
        return self._pages.done(message.channel)

    async def ask_consent(self, request: Request) -> Response:
        """Show what they would agree to."""
        asked = await run_in_threadpool(self._request_of, request.path_params["token"])
        return self._pages.ask_consent(asked) if asked else self._pages.unknown()

    async def confirm(self, request: Request) -> Response:
        """Take the button as their answer."""
        if await read_body(request) is None:
            return refuse(413)
        asked = await run_in_threadpool(self._request_of, request.path_params["token"])
        if asked is None:
            return self._pages.unknown()
        work = partial(confirm, request_id=asked.request_id, at=self._door.clock.now())
        in_time = await self._door.write(asked.request_id, work)
        log.info("consent.confirmed", request_id=asked.request_id, in_time=in_time)
        return self._pages.confirmed(asked.channel) if in_time else self._pages.too_late()

    def _message_of(self, token: str) -> "Row[Any] | None":
        message_id = self._door.links.message_id(token)
        if message_id is None:
            return None
        with self._door.store.read() as connection:
            return find_message(connection, message_id)

    def _request_of(self, token: str) -> OptInRequest | None:
        request_id = self._door.links.request_id(token)
        if request_id is None:
            return None
        with self._door.store.read() as connection:
            return find_request(connection, request_id, self._door.clock.now())
