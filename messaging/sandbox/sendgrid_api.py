"""SendGrid's v3 API over HTTP: sending mail, and the public key of its events."""

import asyncio
import json
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from messaging.sandbox.door import drop
from messaging.sandbox.faults import Fault
from messaging.sandbox.sendgrid import SendGrid
from messaging.sandbox.work import Works

LARGEST = 30_000_000  # bytes of one request
_STRANGER = "The provided authorization grant is invalid, expired, or revoked"
_OWN_FAULT = "An internal server error has occurred"


def sendgrid_routes(sendgrid: SendGrid, works: Works) -> APIRouter:
    """Give the routes under /v3."""
    api = _Api(sendgrid, works)
    router = APIRouter(prefix="/v3")
    router.add_api_route("/mail/send", api.send, methods=["POST"])
    router.add_api_route("/user/webhooks/event/settings/signed", api.signed, methods=["GET"])
    return router


class _Api:
    """One method a route; each checks who asks before it looks at what is asked."""

    def __init__(self, sendgrid: SendGrid, works: Works) -> None:
        self._sendgrid = sendgrid
        self._works = works

    async def send(self, request: Request) -> Response:
        if not _has_key(request):
            return _refuse(401, _STRANGER)
        raw = await request.body()
        if len(raw) > LARGEST:
            return _refuse(413, "The request is too large.")
        try:
            document = json.loads(raw)
        except ValueError:
            return _refuse(400, "Bad Request")
        faults = self._works.faults.take(_first_recipient(document))
        return self._befallen(request, faults) or await self._take(request, document, faults)

    def _befallen(self, request: Request, faults: dict[str, Fault]) -> Response | None:
        """Answer where a fault keeps the mail from being taken."""
        if "reject_429" in faults:
            return _refuse(429, "too many requests")
        if "error_500" in faults:
            return _refuse(500, _OWN_FAULT)
        return drop(request) if "drop" in faults else None

    async def _take(self, request: Request, document: Any, faults: dict[str, Fault]) -> Response:
        taken = self._sendgrid.send(document, faults)
        if not isinstance(taken, str):
            return JSONResponse({"errors": taken}, 400)
        if "delay" in faults:
            await asyncio.sleep(faults["delay"].seconds)
        if "drop_after" in faults:
            return drop(request)
        if "error_500_after" in faults:
            return _refuse(500, _OWN_FAULT)
        return Response(status_code=202, headers={"X-Message-Id": taken})

    async def signed(self, request: Request) -> Response:
        if not _has_key(request):
            return _refuse(401, _STRANGER)
        return JSONResponse({"public_key": self._sendgrid.key.public})


def _has_key(request: Request) -> bool:
    """Say whether a key came; any will do, for a sandbox knows nobody's."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and bool(key.strip())


def _first_recipient(document: Any) -> str:
    try:
        return str(document["personalizations"][0]["to"][0]["email"])
    except (KeyError, IndexError, TypeError):
        return ""


def _refuse(status: int, message: str) -> Response:
    return JSONResponse({"errors": [{"message": message, "field": None, "help": None}]}, status)
