"""Twilio's Messages API over HTTP, in front of the exchange, and the Content API that its templates come by."""

import json
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response

from messaging.sandbox.door import Door, Pairs, form
from messaging.sandbox.exchange import Exchange
from messaging.sandbox.faults import Fault
from messaging.sandbox.listing import list_page
from messaging.sandbox.messages import API, Message, media_resource, resource
from messaging.sandbox.refusals import Refusal
from messaging.sandbox.requests import read_request

_SENDERS = {  # of a Messaging Service: how each list is called, and what names a sender in it
    "PhoneNumbers": ("phone_numbers", "phone_number"),
    "ShortCodes": ("short_codes", "short_code"),
    "ChannelSenders": ("senders", "sender"),
}


def api_routes(exchange: Exchange, door: Door) -> APIRouter:
    """Give the routes of messages and of their templates; what else is asked of the API is not there."""
    api = _Api(exchange, door)
    router = APIRouter()
    messages = f"{API}/Accounts/{{account_sid}}/Messages.json"
    message = f"{API}/Accounts/{{account_sid}}/Messages/{{sid}}.json"
    router.add_api_route(messages, api.create, methods=["POST"])
    router.add_api_route(messages, api.list, methods=["GET"])
    router.add_api_route(message, api.fetch, methods=["GET"])
    router.add_api_route(message, api.update, methods=["POST"])
    router.add_api_route(message, api.delete, methods=["DELETE"])
    media = f"{API}/Accounts/{{account_sid}}/Messages/{{sid}}/Media"
    router.add_api_route(f"{media}.json", api.media, methods=["GET"])
    router.add_api_route(f"{media}/{{media_sid}}", api.media_content, methods=["GET"])
    for part in _SENDERS:
        router.add_api_route(f"/v1/Services/{{service}}/{part}", api.senders, methods=["GET"])
    router.add_api_route("/v1/Content", api.add_content, methods=["POST"])
    router.add_api_route("/v1/Content", api.contents, methods=["GET"])
    router.add_api_route("/v1/Content/{sid}", api.content, methods=["GET"])
    router.add_api_route(
        f"{API}/{{path:path}}", api.unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]
    )
    return router


class _Api:
    """One method a route; each checks who asks before it looks at what is asked."""

    def __init__(self, exchange: Exchange, door: Door) -> None:
        self.exchange = exchange
        self.door = door
        self.account_sid = exchange.settings.account_sid

    async def create(self, request: Request, account_sid: str) -> Response:
        def make(pairs: Pairs, faults: dict[str, Fault]) -> dict[str, Any] | Refusal:
            outcome = self.exchange.create(read_request(pairs), faults)
            return outcome if isinstance(outcome, Refusal) else self._document(outcome)

        return await self.door.create(request, account_sid, make)

    async def list(self, request: Request, account_sid: str) -> Response:
        if refusal := self.door.stranger(request, account_sid):
            return self.door.refuse(refusal)
        return self.door.respond(
            list_page(self.exchange.newest_first(), dict(request.query_params), account_sid)
        )

    async def fetch(self, request: Request, account_sid: str, sid: str) -> Response:
        return self._with(
            request, account_sid, sid, lambda message: self.door.respond(self._document(message))
        )

    async def update(self, request: Request, account_sid: str, sid: str) -> Response:
        changes = dict(await form(request))
        return self._with(request, account_sid, sid, lambda message: self._update(message, changes))

    async def delete(self, request: Request, account_sid: str, sid: str) -> Response:
        def delete(message: Message) -> Response:
            refusal = self.exchange.delete(message.sid)
            return (
                self.door.refuse(refusal)
                if refusal
                else Response(status_code=204, headers=self.door.headers())
            )

        return self._with(request, account_sid, sid, delete)

    async def media(self, request: Request, account_sid: str, sid: str) -> Response:
        def listed(message: Message) -> Response:
            found = [media_resource(message, place, account_sid) for place in range(len(message.media))]
            for one in found:
                if file := self.exchange.media.get(one["sid"]):
                    one["content_type"] = file.content_type
            return self.door.respond({"media_list": found, "page": 0, "page_size": 50, "next_page_uri": None})

        return self._with(request, account_sid, sid, listed)

    async def media_content(self, request: Request, account_sid: str, sid: str, media_sid: str) -> Response:
        def content(message: Message) -> Response:  # noqa: ARG001 - that there is one is all
            file = self.exchange.media.get(media_sid)
            if file is None:
                return self.door.refuse(Refusal(20404, request.url.path))
            return Response(file.content, media_type=file.content_type, headers=self.door.headers())

        return self._with(request, account_sid, sid, content)

    async def add_content(self, request: Request) -> Response:
        if refusal := self.door.stranger(request):
            return self.door.refuse(refusal)
        try:
            document = json.loads(await request.body())
        except ValueError:
            return self.door.refuse(Refusal(20400, "the body is no JSON"))
        content = self.exchange.contents.add(document)
        if isinstance(content, Refusal):
            return self.door.refuse(content)
        return self.door.respond(content.resource(self.account_sid), 201)

    async def contents(self, request: Request) -> Response:
        if refusal := self.door.stranger(request):
            return self.door.refuse(refusal)
        found = [one.resource(self.account_sid) for one in self.exchange.contents.newest_first()]
        return self.door.respond({"contents": found, "meta": {"key": "contents", "next_page_url": None}})

    async def content(self, request: Request, sid: str) -> Response:
        found = self.exchange.contents.get(sid)
        refusal = self.door.stranger(request)
        if refusal or found is None:
            return self.door.refuse(refusal or Refusal(20404, request.url.path))
        return self.door.respond(found.resource(self.account_sid))

    async def senders(self, request: Request, service: str) -> Response:
        """List what a Messaging Service sends from: the one number that the sandbox has."""
        if refusal := self.door.stranger(request):
            return self.door.refuse(refusal)
        key, field = _SENDERS[request.url.path.rpartition("/")[2]]
        number = {"sid": f"PN{0:032d}", "account_sid": self.account_sid, "service_sid": service}
        found = [number | {field: self.exchange.settings.sender}] if key == "phone_numbers" else []
        return self.door.respond({key: found, "meta": {"key": key, "next_page_url": None}})

    async def unknown(self, request: Request, path: str) -> Response:  # noqa: ARG002 (the route's own name)
        return self.door.refuse(self.door.stranger(request) or Refusal(20404, request.url.path))

    def _update(self, message: Message, changes: dict[str, str]) -> Response:
        """Cancel or redact: the only two changes that Twilio knows."""
        if changes.get("Status") == "canceled":
            outcome = self.exchange.cancel(message.sid)
        elif "Status" in changes:
            outcome = Refusal(20001, "Status")
        elif changes.get("Body") == "":
            outcome = self.exchange.redact(message.sid)
        else:
            outcome = Refusal(20001, "Body")
        if isinstance(outcome, Refusal):
            return self.door.refuse(outcome)
        return self.door.respond(self._document(outcome))

    def _with(
        self, request: Request, account_sid: str, sid: str, then: Callable[[Message], Response]
    ) -> Response:
        refusal = self.door.stranger(request, account_sid)
        message = self.exchange.get(sid)
        if refusal or message is None:
            return self.door.refuse(refusal or Refusal(20404, request.url.path))
        return then(message)

    def _document(self, message: Message) -> dict[str, Any]:
        return resource(message, self.account_sid)
