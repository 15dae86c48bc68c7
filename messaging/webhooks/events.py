"""Events that other programs post with a key: judged by the contract, stored once each, landed by the next build."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from messaging import api_keys
from messaging.store.inserts import insert_new
from messaging.store.tables_receiver import sent_events
from messaging.webhooks.checks import token_of
from messaging.webhooks.door import Door, read_body, refuse
from messaging.webhooks.event_schema import moment_of, problems, schema
from messaging.webhooks.json_text import clean, read_json

INTAKE = "events"
BODY_LIMIT = 1024 * 1024
MOST = 500  # events of one post
TOLD = 20  # problems


def event_routes(door: Door) -> list[Route]:
    """Give the routes under /events."""
    posts = _Posts(door)
    return [
        Route("/events", posts.take, methods=["POST"]),
        Route("/events/schema.json", posts.schema, methods=["GET"]),
    ]


@dataclass(frozen=True)
class _Refusal:
    """Why a post was not taken: a sentence, and what is wrong with which event."""

    sentence: str
    events: Sequence[Mapping[str, object]] = ()


@dataclass(frozen=True)
class _Sender:
    """Which program posts: the name of its key, within which message ids are its own, and the key."""

    name: str
    key_id: str


class _Posts:
    """One method a route."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def schema(self, _: Request) -> Response:
        """Tell what an event has to look like."""
        return JSONResponse(dict(schema()), media_type="application/schema+json")

    async def take(self, request: Request) -> Response:
        """Take one event, a list of them, or {"batch": [...]}: all, or none of them."""
        sender = await self._sender_of(request)
        if isinstance(sender, Response):
            return sender
        body = await read_body(request, BODY_LIMIT)
        if body is None:
            return refuse(413)
        door, now = self._door, self._door.clock.now()
        read = await run_in_threadpool(read_events, body, now)
        if isinstance(read, _Refusal):
            return JSONResponse({"error": read.sentence, "events": list(read.events)}, 400)
        work = partial(_store, events=read, sender=sender, now=now)
        raw = door.raw(INTAKE, request, body)
        new = await door.take(raw, raw.digest, work)
        if new is None:
            return JSONResponse({"accepted": 0, "kept": len(read)})
        return JSONResponse({"accepted": new, "known": len(read) - new})

    async def _sender_of(self, request: Request) -> _Sender | Response:
        """Give whose key a request carries, or the answer to one without; our own check needs none."""
        if token_of(self._door.links, INTAKE, request) is not None:
            return _Sender("check", "check")
        secret = _bearer(request)
        if secret is None:
            return refuse(401)
        return await run_in_threadpool(self._holder, secret) or refuse(403)

    def _holder(self, secret: str) -> _Sender | None:
        with self._door.store.read() as connection:
            key = api_keys.holder(connection, secret)
        return _Sender(key.name, key.key_id) if key else None


def read_events(body: bytes, now: datetime) -> list[dict[str, Any]] | _Refusal:
    """Read a post: its events, each as the schema asks, or why it is refused as a whole."""
    try:
        document = read_json(body)
    except ValueError:
        return _Refusal("This is no JSON.")
    if isinstance(document, dict) and set(document) == {"batch"}:
        document = document["batch"]
    events = document if isinstance(document, list) else [document]
    if not 1 <= len(events) <= MOST:
        return _Refusal(f"A post has 1 to {MOST} events; this one has {len(events)}.")
    wrong: list[Mapping[str, object]] = []
    for index, event in enumerate(events):
        wrong += [{"index": index, "field": name, "problem": why} for name, why in problems(event, now)]
        if len(wrong) >= TOLD:
            break
    if wrong:
        return _Refusal("Nothing was taken: some events are not as they have to be.", wrong[:TOLD])
    return [clean(event) for event in events]


def _store(
    connection: Connection, events: Sequence[Mapping[str, Any]], sender: _Sender, now: datetime
) -> int:
    rows = [
        {
            "sender": sender.name,
            "message_id": event["message_id"],
            "key_id": sender.key_id,
            "occurred_at": moment_of(event["occurred_at"]) if "occurred_at" in event else now,
            "received_at": now,
            "event": dict(event),
            "name": event["name"],
        }
        for event in events
    ]
    return insert_new(connection, sent_events, rows)


def _bearer(request: Request) -> str | None:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" and secret.strip() else None
