"""The links in our messages that act by a button: leave, agree, or choose what to get. Looking changes nothing."""

from collections.abc import Callable
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
from messaging.webhooks.preferring import Wishes, choices, set_wishes, wished, wishes_of, wording_of
from messaging.webhooks.readers import Reader, reader_of
from messaging.webhooks.signatures import read_form
from messaging.webhooks.unsubscribing import find_message, unsubscribe
from messaging.webhooks.words import all_words, language_of

if TYPE_CHECKING:
    from sqlalchemy import Row

log = structlog.get_logger(__name__)


def leaving_routes(door: Door) -> list[Route]:
    """Give the routes of unsubscribe links, double opt-ins and preference pages."""
    links = _Links(door)
    return [
        Route("/u/{token}", links.ask, methods=["GET"]),
        Route("/u/{token}", links.unsubscribe, methods=["POST"]),
        Route("/c/{token}", links.ask_consent, methods=["GET"]),
        Route("/c/{token}", links.confirm, methods=["POST"]),
        Route("/p/{token}", links.show_preferences, methods=["GET"]),
        Route("/p/{token}", links.set_preferences, methods=["POST"]),
    ]


class _Links:
    """One method a route."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._pages = Pages(door.settings)

    async def ask(self, request: Request) -> Response:
        """Show the button."""
        message, lang = await self._asked(request, self._door.links.message_id), language_of(request)
        if message is None:
            return self._pages.unknown(lang)
        preferences = self._door.links.preferences(message.message_id)
        return self._pages.ask(message.channel, lang, preferences)

    async def unsubscribe(self, request: Request) -> Response:
        """End the messages: the page's button, or a mailbox's own (RFC 8058)."""
        if await read_body(request) is None:
            return refuse(413)
        message, lang = await self._asked(request, self._door.links.message_id), language_of(request)
        if message is None:
            return self._pages.unknown(lang)
        work = partial(unsubscribe, message=message, at=self._door.clock.now())
        await self._door.write(message.message_id, work)
        log.info("unsubscribed", message_id=message.message_id)
        return self._pages.done(message.channel, lang)

    async def ask_consent(self, request: Request) -> Response:
        """Show what they would agree to."""
        asked = await run_in_threadpool(self._request_of, request.path_params["token"])
        lang = language_of(request)
        return self._pages.ask_consent(asked, lang) if asked else self._pages.unknown(lang)

    async def confirm(self, request: Request) -> Response:
        """Take the button as their answer."""
        if await read_body(request) is None:
            return refuse(413)
        asked = await run_in_threadpool(self._request_of, request.path_params["token"])
        lang = language_of(request)
        if asked is None:
            return self._pages.unknown(lang)
        work = partial(confirm, request_id=asked.request_id, at=self._door.clock.now())
        in_time = await self._door.write(asked.request_id, work)
        log.info("consent.confirmed", request_id=asked.request_id, in_time=in_time)
        return self._pages.confirmed(asked.channel, lang) if in_time else self._pages.too_late(lang)

    async def show_preferences(self, request: Request) -> Response:
        """Show what they may get from us; opening this page changes nothing."""
        message, lang = await self._asked(request, self._door.links.preferences_id), language_of(request)
        if message is None:
            return self._pages.unknown(lang)
        _, standing = await run_in_threadpool(self._wishes_of, message)
        return self._pages.preferences(choices(standing, all_words()[lang]), lang, saved=False)

    async def set_preferences(self, request: Request) -> Response:
        """Take what they ticked, and show what stands now."""
        body, lang = await read_body(request), language_of(request)
        if body is None:
            return refuse(413)
        message, form = (
            await self._asked(request, self._door.links.preferences_id),
            read_form(request.headers, body),
        )
        if message is None:
            return self._pages.unknown(lang)
        if form is None:
            return refuse(400)
        words = all_words()[lang]
        wording = wording_of(words, lang, self._door.settings.company_name)
        reader, _ = await run_in_threadpool(self._wishes_of, message)
        work = partial(
            set_wishes, reader=reader, wanted=wished(form.keys()), wording=wording, at=self._door.clock.now()
        )
        changed = await self._door.write(message.message_id, work)
        log.info("preferences.set", message_id=message.message_id, events=changed)
        _, standing = await run_in_threadpool(self._wishes_of, message)
        return self._pages.preferences(choices(standing, words), lang, saved=True)

    async def _asked(self, request: Request, read: Callable[[str], str | None]) -> "Row[Any] | None":
        """Find the message that a link came in, where the link is one of ours."""
        message_id = read(request.path_params["token"])
        return None if message_id is None else await run_in_threadpool(self._message_of, message_id)

    def _message_of(self, message_id: str) -> "Row[Any] | None":
        with self._door.store.read() as connection:
            return find_message(connection, message_id)

    def _wishes_of(self, message: "Row[Any]") -> tuple[Reader, Wishes]:
        """Find out who reads a message, and what stands of them."""
        person = self._door.find_person(message.customer_id)
        with self._door.store.read() as connection:
            reader = reader_of(connection, message, person, self._door.addresses)
            return reader, wishes_of(connection, reader, self._door.clock.now())

    def _request_of(self, token: str) -> OptInRequest | None:
        request_id = self._door.links.request_id(token)
        if request_id is None:
            return None
        with self._door.store.read() as connection:
            return find_request(connection, request_id, self._door.clock.now())
