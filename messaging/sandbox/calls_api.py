"""Twilio's Calls API over HTTP, in front of the switchboard."""

from typing import Any

from fastapi import APIRouter, Request, Response

from messaging.sandbox.calls import Switchboard
from messaging.sandbox.door import Door, Pairs, form
from messaging.sandbox.faults import Fault
from messaging.sandbox.listing import list_calls
from messaging.sandbox.messages import API
from messaging.sandbox.refusals import Refusal


def call_routes(switchboard: Switchboard, door: Door) -> APIRouter:
    """Give the routes of calls."""
    router = APIRouter(prefix=f"{API}/Accounts/{{account_sid}}")
    ours = door.settings.account_sid

    @router.post("/Calls.json")
    async def create(request: Request, account_sid: str) -> Response:
        def make(pairs: Pairs, faults: dict[str, Fault]) -> dict[str, Any] | Refusal:
            outcome = switchboard.create(pairs, faults)
            return outcome if isinstance(outcome, Refusal) else outcome.resource(ours)

        return await door.create(request, account_sid, make)

    @router.get("/Calls.json")
    async def listed(request: Request, account_sid: str) -> Response:
        if refusal := door.stranger(request, account_sid):
            return door.refuse(refusal)
        return door.respond(list_calls(switchboard.newest_first(), dict(request.query_params), account_sid))

    @router.get("/Calls/{sid}.json")
    async def fetch(request: Request, account_sid: str, sid: str) -> Response:
        call = switchboard.get(sid)
        refusal = door.stranger(request, account_sid)
        if refusal or call is None:
            return door.refuse(refusal or Refusal(20404, request.url.path))
        return door.respond(call.resource(ours))

    @router.post("/Calls/{sid}.json")
    async def update(request: Request, account_sid: str, sid: str) -> Response:
        refusal = door.stranger(request, account_sid)
        if refusal or switchboard.get(sid) is None:
            return door.refuse(refusal or Refusal(20404, request.url.path))
        outcome = switchboard.end(sid, dict(await form(request)).get("Status", ""))
        return door.refuse(outcome) if isinstance(outcome, Refusal) else door.respond(outcome.resource(ours))

    return router
