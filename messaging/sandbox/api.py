"""Twilio's Messages API over HTTP, in front of the exchange."""

import asyncio
import base64
import binascii
import hmac
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from messaging.sandbox.exchange import Exchange
from messaging.sandbox.faults import Fault
from messaging.sandbox.listing import empty_calls, list_page
from messaging.sandbox.messages import API, Message, resource
from messaging.sandbox.refusals import Refusal
from messaging.sandbox.requests import read_request
from messaging.serving import DROP

_REFUSE_BEFORE = {"reject_429": 20429, "error_500": 20500}


def api_routes(exchange: Exchange) -> APIRouter:
    """Give the routes under /2010-04-01."""
    api = _Api(exchange)
    router = APIRouter(prefix=API)
    messages = "/Accounts/{account_sid}/Messages.json"
    message = "/Accounts/{account_sid}/Messages/{sid}.json"
    router.add_api_route(messages, api.create, methods=["POST"])
    router.add_api_route(messages, api.list, methods=["GET"])
    router.add_api_route("/Accounts/{account_sid}/Calls.json", api.calls, methods=["GET"])
    router.add_api_route(message, api.fetch, methods=["GET"])
    router.add_api_route(message, api.update, methods=["POST"])
    router.add_api_route(message, api.delete, methods=["DELETE"])
    router.add_api_route("/{path:path}", api.unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    return router


class _Api:
    """One method a route; each checks who asks before it looks at what is asked."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.account_sid = exchange.settings.account_sid
        self._in_flight = 0

    async def create(self, request: Request, account_sid: str) -> Response:
        if refusal := self._stranger(request, account_sid):
            return self._refuse(refusal)
        self._in_flight += 1
        try:
            return await self._create(request)
        finally:
            self._in_flight -= 1

    async def _create(self, request: Request) -> Response:
        asked = read_request(await _form(request))
        faults = self.exchange.faults.take(asked.to)
        for kind, code in _REFUSE_BEFORE.items():
            if kind in faults:
                return self._refuse(Refusal(code))
        if "drop" in faults:
            return _drop(request)
        outcome = self.exchange.create(asked, faults)
        if isinstance(outcome, Refusal):
            return self._refuse(outcome)
        return await self._answer(request, self._document(outcome), faults)

    async def _answer(self, request: Request, document: dict[str, Any], faults: dict[str, Fault]) -> Response:
        """Answer for a message that was accepted, unless a fault keeps the caller from learning it."""
        if "delay" in faults:
            await asyncio.sleep(faults["delay"].seconds)
        if "drop_after" in faults:
            return _drop(request)
        if "error_500_after" in faults:
            return self._refuse(Refusal(20500))
        return self._respond(document, 201)

    async def list(self, request: Request, account_sid: str) -> Response:
        if refusal := self._stranger(request, account_sid):
            return self._refuse(refusal)
        return self._respond(
            list_page(self.exchange.newest_first(), dict(request.query_params), account_sid), 200
        )

    async def calls(self, request: Request, account_sid: str) -> Response:
        if refusal := self._stranger(request, account_sid):
            return self._refuse(refusal)
        return self._respond(empty_calls(dict(request.query_params), account_sid), 200)

    async def fetch(self, request: Request, account_sid: str, sid: str) -> Response:
        return self._with(
            request, account_sid, sid, lambda message: self._respond(self._document(message), 200)
        )

    async def update(self, request: Request, account_sid: str, sid: str) -> Response:
        form = dict(await _form(request))
        return self._with(request, account_sid, sid, lambda message: self._update(message, form))

    async def delete(self, request: Request, account_sid: str, sid: str) -> Response:
        def delete(message: Message) -> Response:
            refusal = self.exchange.delete(message.sid)
            return self._refuse(refusal) if refusal else Response(status_code=204, headers=self._headers())

        return self._with(request, account_sid, sid, delete)

    async def unknown(self, request: Request, path: str) -> Response:  # noqa: ARG002 (the route's own name)
        return self._refuse(self._stranger(request, self.account_sid) or Refusal(20404, request.url.path))

    def _update(self, message: Message, form: dict[str, str]) -> Response:
        """Cancel or redact: the only two changes that Twilio knows."""
        if form.get("Status") == "canceled":
            outcome = self.exchange.cancel(message.sid)
        elif "Status" in form:
            outcome = Refusal(20001, "Status")
        elif form.get("Body") == "":
            outcome = self.exchange.redact(message.sid)
        else:
            outcome = Refusal(20001, "Body")
        if isinstance(outcome, Refusal):
            return self._refuse(outcome)
        return self._respond(self._document(outcome), 200)

    def _with(
        self, request: Request, account_sid: str, sid: str, then: Callable[[Message], Response]
    ) -> Response:
        refusal = self._stranger(request, account_sid)
        message = self.exchange.get(sid)
        if refusal or message is None:
            return self._refuse(refusal or Refusal(20404, request.url.path))
        return then(message)

    def _stranger(self, request: Request, account_sid: str) -> Refusal | None:
        user, password = _credentials(request.headers.get("authorization", ""))
        settings = self.exchange.settings
        known = hmac.compare_digest(user, settings.account_sid.encode())
        if not (known and hmac.compare_digest(password, settings.auth_token.encode())):
            return Refusal(20003)
        return None if account_sid == settings.account_sid else Refusal(20404, request.url.path)

    def _document(self, message: Message) -> dict[str, Any]:
        return resource(message, self.account_sid)

    def _refuse(self, refusal: Refusal) -> Response:
        response = self._respond(refusal.document(), refusal.http_status)
        if refusal.http_status == 401:
            response.headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
        return response

    def _respond(self, document: dict[str, Any], status: int) -> Response:
        return JSONResponse(document, status_code=status, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {
            "Twilio-Request-Id": f"RQ{secrets.token_hex(16)}",
            "Twilio-Concurrent-Requests": str(max(self._in_flight, 1)),
        }


async def _form(request: Request) -> list[tuple[str, str]]:
    body = (await request.body()).decode("utf-8", "replace")
    return parse_qsl(body, keep_blank_values=True)


def _credentials(header: str) -> tuple[bytes, bytes]:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return b"", b""
    try:
        user, _, password = base64.b64decode(value, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return b"", b""
    return user, password


def _drop(request: Request) -> Response:
    """Break the connection off without an answer, as a network does."""
    drop = request.scope.get(DROP)
    if drop is None:
        raise RuntimeError(
            "this server cannot break a connection off; serve the sandbox by messaging.serving"
        )
    drop()
    return Response(status_code=500)  # goes nowhere: the connection is gone
