"""Forged, missing and altered signatures at every signed door: 403 each, no row, no error of ours.

Everybody's run tries 300 of them; RAPPORT_SOAK=1 tries 2,000.
"""

import base64
import json
import os
import random
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select

from messaging.sandbox.event_signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, EventKey
from messaging.sandbox.signing import signature
from messaging.settings import SANDBOX_AUTH_TOKEN, Settings, read_settings
from messaging.store import Store
from messaging.store.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Callable

FORGERIES = 2000 if os.environ.get("RAPPORT_SOAK") == "1" else 300
KEY = EventKey("a company's secret")
OWN = {"alembic_version", "agreements", "address_locks"}
TWILIO = ("/webhooks/twilio/status", "/webhooks/twilio/inbound", "/webhooks/twilio/conversations")
Forged = tuple[str, bytes, dict[str, Any]]


@pytest.fixture
def settings(home: Any, database: str) -> Settings:
    return read_settings(home=home, sendgrid_verification_key=KEY.public)


def rows(store: Store) -> dict[str, int]:
    with store.read() as connection:
        tables = [table for table in metadata.sorted_tables if table.name not in OWN]
        counted = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in tables
        }
    return {name: count for name, count in counted.items() if count}


def _by_twilio(chance: random.Random, public_url: str) -> Forged:
    path = chance.choice(TWILIO)
    sid = f"SM{chance.getrandbits(64):016x}"
    form = {
        "MessageSid": sid,
        "MessageStatus": "delivered",
        "From": "+447700900123",
        "To": "+15005550006",
        "Body": "STOP",
    }
    form |= {"EventType": "onMessageAdded", "ConversationSid": "CH1", "Author": "ada"}
    kind = "application/x-www-form-urlencoded"
    signed = signature(SANDBOX_AUTH_TOKEN, public_url + path, form)
    match chance.randrange(8):
        case 0:
            return path, urlencode(form).encode(), {"Content-Type": kind}
        case 1:
            signed = signature("another token", public_url + path, form)
        case 2:
            signed = signature(SANDBOX_AUTH_TOKEN, "https://elsewhere.example" + path, form)
        case 3:
            signed = signature(
                SANDBOX_AUTH_TOKEN, public_url + chance.choice([p for p in TWILIO if p != path]), form
            )
        case 4:
            form[chance.choice(list(form))] += chance.choice(["x", "\x00", " ", "é", "🌲"])
        case 5:
            del form[chance.choice(list(form))]
        case 6:
            place = chance.randrange(27)
            signed = signed[:place] + ("A" if signed[place] != "A" else "B") + signed[place + 1 :]
        case 7:
            signed = chance.choice(
                [
                    "",
                    "-",
                    "null",
                    signed + "=",
                    signed[:-1],
                    signed.lower(),
                    "é",
                    base64.b64encode(b"x" * 20).decode(),
                ]
            )
    return path, urlencode(form).encode(), {"Content-Type": kind, "X-Twilio-Signature": signed.encode()}


def _by_sendgrid(chance: random.Random, _: str) -> Forged:
    event = {
        "event": "spamreport",
        "sg_event_id": f"{chance.getrandbits(64):x}",
        "sg_message_id": "a",
        "email": "ada@example.com",
    }
    body = json.dumps([event]).encode()
    stamp = str(int(time.time()) + chance.choice([0, 0, 0, -30 * 3600, 3600]))
    headers: dict[str, Any] = dict(KEY.headers(stamp, body))
    match chance.randrange(6):
        case 0:
            headers = {}
        case 1:
            headers = dict(EventKey(f"{chance.random()}").headers(stamp, body))
        case 2:
            body += b" "
        case 3:
            headers[TIMESTAMP_HEADER] = str(int(stamp) + 1)
        case 4:
            del headers[chance.choice([SIGNATURE_HEADER, TIMESTAMP_HEADER])]
        case 5:
            headers[chance.choice([SIGNATURE_HEADER, TIMESTAMP_HEADER])] = chance.choice(
                ["", "0", "x" * 500, "MEUCIQ==", "-1", "1e9"]
            )
    return "/webhooks/sendgrid/events", body, headers


def _by_key(chance: random.Random, _: str) -> Forged:
    secret = "rapport_" + "".join(chance.choices("abcXYZ019_-", k=chance.choice([43, 43, 42, 44, 0])))
    header = chance.choice(["Bearer ", "bearer ", "Basic ", "Bearer  "]) + secret
    body = json.dumps({"message_id": "1", "name": "login"}).encode()
    return (
        "/events",
        body,
        {"Authorization": header, "X-Rapport-Check": f"{int(time.time())}.{chance.getrandbits(128):032x}"},
    )


def test_no_forgery_gets_in_at_any_door_and_none_leaves_a_trace(
    post: Any, store: Store, settings: Settings, capsys: Any
) -> None:
    chance = random.Random(20261122)
    doors: list[Callable[[random.Random, str], Forged]] = [_by_twilio, _by_twilio, _by_sendgrid, _by_key]
    before, answers = rows(store), []
    for _ in range(FORGERIES):
        path, body, headers = chance.choice(doors)(chance, settings.public_url)
        answers.append((path, post.raw(path, body, headers).status_code))
    refused = [
        (path, status) for path, status in answers if status != 403 and (path, status) != ("/events", 401)
    ]
    with capsys.disabled():
        sys.stdout.write(f" {len(answers):,} forged, {len(refused)} taken ")
    assert refused == []
    assert rows(store) == before
