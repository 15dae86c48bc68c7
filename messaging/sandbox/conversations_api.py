"""Twilio's Conversations API over HTTP: conversations of a service, and the messages in them."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from messaging.sandbox.conversations import ChatMessage, Conversation, Conversations, iso_8601
from messaging.sandbox.door import Door, Pairs
from messaging.sandbox.faults import Fault
from messaging.sandbox.refusals import Refusal

HOST = "https://conversations.twilio.com"


def conversation_routes(conversations: Conversations, door: Door) -> APIRouter:
    """Give the routes of conversations."""
    router = APIRouter(prefix="/v1/Services/{service}/Conversations")
    account = door.settings.account_sid

    @router.post("")
    async def open_one(request: Request, service: str) -> Response:
        def make(pairs: Pairs, faults: dict[str, Fault]) -> dict[str, Any] | Refusal:  # noqa: ARG001
            return _conversation(conversations.open(dict(pairs).get("FriendlyName", "")), account, service)

        return await door.create(request, None, make)

    @router.get("/{sid}")
    async def fetch(request: Request, service: str, sid: str) -> Response:
        found = conversations.get(sid)
        refusal = door.stranger(request)
        if refusal or found is None:
            return door.refuse(refusal or Refusal(20404, request.url.path))
        return door.respond(_conversation(found, account, service))

    @router.post("/{sid}/Messages")
    async def write(request: Request, service: str, sid: str) -> Response:
        def make(pairs: Pairs, faults: dict[str, Fault]) -> dict[str, Any] | Refusal:  # noqa: ARG001
            if conversations.get(sid) is None:
                return Refusal(20404, request.url.path)
            outcome = conversations.write(sid, dict(pairs))
            return outcome if isinstance(outcome, Refusal) else _message(outcome, account, service, sid)

        return await door.create(request, None, make, to=sid)

    @router.get("/{sid}/Messages")
    async def listed(request: Request, service: str, sid: str) -> Response:
        refusal = door.stranger(request)
        if refusal or conversations.get(sid) is None:
            return door.refuse(refusal or Refusal(20404, request.url.path))
        return door.respond(_page(conversations.messages(sid), request, account, service, sid))

    return router


def _page(
    messages: list[ChatMessage], request: Request, account: str, service: str, sid: str
) -> dict[str, Any]:
    query = request.query_params
    if query.get("Order") == "desc":
        messages.reverse()
    size = min(max(_number(query.get("PageSize"), 50), 1), 100)
    page = max(_number(query.get("Page"), 0), 0)

    def address(number: int) -> str:
        kept = [("Order", query["Order"])] if "Order" in query else []
        pairs = [*kept, ("PageSize", str(size)), ("Page", str(number))]
        return f"{HOST}{request.url.path}?{urlencode(pairs)}"

    rows = messages[page * size : (page + 1) * size]
    return {
        "meta": {
            "page": page,
            "page_size": size,
            "first_page_url": address(0),
            "previous_page_url": address(page - 1) if page else None,
            "url": address(page),
            "next_page_url": address(page + 1) if (page + 1) * size < len(messages) else None,
            "key": "messages",
        },
        "messages": [_message(message, account, service, sid) for message in rows],
    }


def _conversation(conversation: Conversation, account: str, service: str) -> dict[str, Any]:
    moment = iso_8601(conversation.created_at)
    url = f"{HOST}/v1/Services/{service}/Conversations/{conversation.sid}"
    return {
        "sid": conversation.sid,
        "account_sid": account,
        "chat_service_sid": service,
        "messaging_service_sid": None,
        "friendly_name": conversation.name or None,
        "unique_name": None,
        "attributes": "{}",
        "state": "active",
        "date_created": moment,
        "date_updated": moment,
        "timers": {},
        "bindings": {},
        "url": url,
        "links": {"messages": f"{url}/Messages"},
    }


def _message(message: ChatMessage, account: str, service: str, sid: str) -> dict[str, Any]:
    moment = iso_8601(message.created_at)
    url = f"{HOST}/v1/Services/{service}/Conversations/{sid}/Messages/{message.sid}"
    return {
        "sid": message.sid,
        "account_sid": account,
        "chat_service_sid": service,
        "conversation_sid": sid,
        "index": message.index,
        "author": message.author,
        "body": message.body,
        "media": None,
        "attributes": message.attributes,
        "participant_sid": None,
        "delivery": None,
        "content_sid": None,
        "date_created": moment,
        "date_updated": moment,
        "url": url,
        "links": {"delivery_receipts": f"{url}/Receipts"},
    }


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() else otherwise
