"""The receiver: verify, record, answer. Nothing is acknowledged before its commit."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response

from data_contracts.errors import RapportError, StoreOutdatedError
from messaging import inbox
from messaging.addresses import read_addresses
from messaging.links import read_links
from messaging.outbox import apply_status
from messaging.webhooks.confirming import Request as OptInRequest
from messaging.webhooks.confirming import confirm, find_request
from messaging.webhooks.pages import Pages
from messaging.webhooks.requests import read_inbound, read_status, twiml
from messaging.webhooks.signatures import Form, is_signed, read_form
from messaging.webhooks.unsubscribing import find_message, unsubscribe

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Row

    from messaging.clock import Clock
    from messaging.inbox import FindCustomers
    from messaging.settings import Settings
    from messaging.store import Store

log = structlog.get_logger(__name__)

BODY_LIMIT = 64 * 1024


def build_app(
    settings: "Settings",
    store: "Store",
    clock: "Clock",
    find_customers: "FindCustomers",
    on_outdated: "Callable[[StoreOutdatedError], None]" = lambda _: None,
) -> FastAPI:
    """Give the receiver of an installation; its owner closes the store after it.

    `on_outdated` is called when the store was upgraded under it: from then on it can only answer 503.
    """
    receiver = _Receiver(settings, store, clock, find_customers)

    app = FastAPI(title="Rapport webhooks", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.on_outdated = on_outdated
    app.add_exception_handler(RapportError, _not_now)
    app.add_api_route("/webhooks/twilio/status", receiver.status, methods=["POST"])
    app.add_api_route("/webhooks/twilio/inbound", receiver.inbound, methods=["POST"])
    app.add_api_route("/u/{token}", receiver.ask, methods=["GET"])
    app.add_api_route("/u/{token}", receiver.unsubscribe, methods=["POST"])
    app.add_api_route("/c/{token}", receiver.ask_consent, methods=["GET"])
    app.add_api_route("/c/{token}", receiver.confirm, methods=["POST"])
    app.add_api_route("/", receiver.index, methods=["GET"])
    app.add_api_route("/healthz", receiver.health, methods=["GET"])
    return app


class _Receiver:
    """One method a route."""

    def __init__(
        self, settings: "Settings", store: "Store", clock: "Clock", find_customers: "FindCustomers"
    ) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock
        self.find_customers = find_customers
        self.addresses = read_addresses(settings, store)
        self.links = read_links(settings)
        self.pages = Pages(settings.company_name)
        self.company = inbox.Company(settings.company_name, settings.contact)
        self.writer = store.writer

    async def status(self, request: Request) -> Response:
        form = await self._signed_form(request)
        if isinstance(form, Response):
            return form
        update = read_status(form, request.query_params.get("message"))
        if update is None:
            return _refuse(400)
        now = self.clock.now()
        work = self.writer.submit(
            update.message_id or update.sid, lambda connection: apply_status(connection, update, now)
        )
        await asyncio.wrap_future(work)
        return Response(status_code=204)

    async def inbound(self, request: Request) -> Response:
        form = await self._signed_form(request)
        if isinstance(form, Response):
            return form
        message = read_inbound(form)
        if message is None:
            return _refuse(400)
        receipt = await run_in_threadpool(
            inbox.receive, self.store, self.addresses, message, self.clock, self.find_customers, self.company
        )
        return Response(twiml(receipt.answer), media_type="application/xml")

    async def ask(self, token: str) -> Response:
        message = await run_in_threadpool(self._message_of, token)
        return self.pages.ask(message.channel) if message else self.pages.unknown()

    async def unsubscribe(self, request: Request, token: str) -> Response:
        if await _read_body(request) is None:
            return _refuse(413)
        message = await run_in_threadpool(self._message_of, token)
        if message is None:
            return self.pages.unknown()
        work = partial(unsubscribe, message=message, at=self.clock.now())
        await asyncio.wrap_future(self.writer.submit(message.message_id, work))
        log.info("unsubscribed", message_id=message.message_id)
        return self.pages.done(message.channel)

    async def ask_consent(self, token: str) -> Response:
        request = await run_in_threadpool(self._request_of, token)
        return self.pages.ask_consent(request) if request else self.pages.unknown()

    async def confirm(self, request: Request, token: str) -> Response:
        if await _read_body(request) is None:
            return _refuse(413)
        asked = await run_in_threadpool(self._request_of, token)
        if asked is None:
            return self.pages.unknown()
        work = partial(confirm, request_id=asked.request_id, at=self.clock.now())
        in_time = await asyncio.wrap_future(self.writer.submit(asked.request_id, work))
        log.info("consent.confirmed", request_id=asked.request_id, in_time=in_time)
        return self.pages.confirmed(asked.channel) if in_time else self.pages.too_late()

    async def index(self) -> Response:
        return PlainTextResponse("This is where Rapport hears from its providers. There is nothing to see.\n")

    async def health(self) -> Response:
        state = await run_in_threadpool(self.store.schema_state)
        return JSONResponse({"status": "ok", "store": state}, 200 if state == "current" else 503)

    def _message_of(self, token: str) -> "Row[Any] | None":
        message_id = self.links.message_id(token)
        if message_id is None:
            return None
        with self.store.read() as connection:
            return find_message(connection, message_id)

    def _request_of(self, token: str) -> "OptInRequest | None":
        request_id = self.links.request_id(token)
        if request_id is None:
            return None
        with self.store.read() as connection:
            return find_request(connection, request_id, self.clock.now())

    async def _signed_form(self, request: Request) -> Form | Response:
        """Give the form of a request that Twilio signed, or the answer to one that it did not."""
        body = await _read_body(request)
        if body is None:
            return _refuse(413)
        form = read_form(request.headers, body)
        if form is None or not is_signed(
            self.settings.twilio_token, self._public_address(request), request.headers, form
        ):
            log.warning("webhook.refused", route=_route(request))
            return _refuse(403)
        return form

    def _public_address(self, request: Request) -> str:
        """Give the address that Twilio called; the request's idea of its host may come from a proxy."""
        raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
        query: bytes = request.scope.get("query_string", b"")
        path = (raw + b"?" + query if query else raw).decode("latin-1")
        return self.settings.public_url.rstrip("/") + path


async def _read_body(request: Request) -> bytes | None:
    """Read a body, or give None as soon as it is too long, whatever its header says."""
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > BODY_LIMIT:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            return None
    return bytes(body)


def _route(request: Request) -> str:
    """Name the route and not the address, which may carry a token."""
    return str(getattr(request.scope.get("route"), "path", ""))


async def _not_now(request: Request, error: Exception) -> Response:
    """Answer that nothing was recorded, so that nobody takes it as acknowledged."""
    log.error("webhook.not_recorded", route=_route(request), reason=type(error).__name__)
    if isinstance(error, StoreOutdatedError):
        request.app.state.on_outdated(error)
    return PlainTextResponse("not recorded", status_code=503)


def _refuse(status: int) -> Response:
    words = {400: "incomplete", 403: "not signed by our provider", 413: "too long"}
    return PlainTextResponse(words[status], status_code=status)
