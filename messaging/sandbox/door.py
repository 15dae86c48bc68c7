"""The door of the Twilio look-alike: who asks, what befalls a request that creates something, how answers look."""

import asyncio
import base64
import binascii
import hmac
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from messaging.sandbox.faults import Fault
from messaging.sandbox.refusals import Refusal
from messaging.sandbox.settings import SandboxSettings
from messaging.sandbox.work import Works
from messaging.serving import DROP

Pairs = list[tuple[str, str]]
Make = Callable[[Pairs, dict[str, Fault]], dict[str, Any] | Refusal]
REFUSE_BEFORE = {"reject_429": 20429, "error_500": 20500}


class Door:
    """Stands before every resource of the Twilio look-alike."""

    def __init__(self, settings: SandboxSettings, works: Works) -> None:
        self.settings = settings
        self.works = works
        self._in_flight = 0

    async def create(
        self, request: Request, account_sid: str | None, make: Make, to: str | None = None
    ) -> Response:
        """Let `make` create something from the form, unless a fault befalls it before or after.

        Faults are for whom it goes to: `to`, or the form's To.
        """
        if refusal := self.stranger(request, account_sid):
            return self.refuse(refusal)
        self._in_flight += 1
        try:
            return await self._create(request, make, to)
        finally:
            self._in_flight -= 1

    async def _create(self, request: Request, make: Make, to: str | None) -> Response:
        pairs = await form(request)
        faults = self.works.faults.take(to or dict(pairs).get("To", "").strip())
        for kind, code in REFUSE_BEFORE.items():
            if kind in faults:
                return self.refuse(Refusal(code))
        if "drop" in faults:
            return drop(request)
        made = make(pairs, faults)
        if isinstance(made, Refusal):
            return self.refuse(made)
        return await self._answer(request, made, faults)

    async def _answer(self, request: Request, document: dict[str, Any], faults: dict[str, Fault]) -> Response:
        """Answer for what was accepted, unless a fault keeps the caller from learning it."""
        if "delay" in faults:
            await asyncio.sleep(faults["delay"].seconds)
        if "drop_after" in faults:
            return drop(request)
        if "error_500_after" in faults:
            return self.refuse(Refusal(20500))
        return self.respond(document, 201)

    def stranger(self, request: Request, account_sid: str | None = None) -> Refusal | None:
        """Refuse whoever does not know the account's secret, or asks for another account."""
        user, password = _credentials(request.headers.get("authorization", ""))
        known = hmac.compare_digest(user, self.settings.account_sid.encode())
        if not (known and hmac.compare_digest(password, self.settings.auth_token.encode())):
            return Refusal(20003)
        ours = account_sid in {None, self.settings.account_sid}
        return None if ours else Refusal(20404, request.url.path)

    def refuse(self, refusal: Refusal) -> Response:
        """Answer as Twilio does when it refuses."""
        response = self.respond(refusal.document(), refusal.http_status)
        if refusal.http_status == 401:
            response.headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
        return response

    def respond(self, document: dict[str, Any], status: int = 200) -> Response:
        """Answer with a document and the headers that Twilio adds."""
        return JSONResponse(document, status_code=status, headers=self.headers())

    def headers(self) -> dict[str, str]:
        """Give the headers that Twilio adds."""
        return {
            "Twilio-Request-Id": f"RQ{secrets.token_hex(16)}",
            "Twilio-Concurrent-Requests": str(max(self._in_flight, 1)),
        }


async def form(request: Request) -> Pairs:
    """Read a form, with repeated fields and empty values as they came."""
    body = (await request.body()).decode("utf-8", "replace")
    return parse_qsl(body, keep_blank_values=True)


def drop(request: Request) -> Response:
    """Break the connection off without an answer, as a network does."""
    hang_up = request.scope.get(DROP)
    if hang_up is None:
        raise RuntimeError(
            "this server cannot break a connection off; serve the sandbox by messaging.serving"
        )
    hang_up()
    return Response(status_code=500)  # goes nowhere: the connection is gone


def _credentials(header: str) -> tuple[bytes, bytes]:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return b"", b""
    try:
        user, _, password = base64.b64decode(value, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return b"", b""
    return user, password
