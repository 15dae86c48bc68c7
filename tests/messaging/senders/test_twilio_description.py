"""Every kind of request that we make to Twilio is valid by Twilio's own API description.

The names and patterns are written out here from the description of 2026-04-14 (twilio-oai, version 2010-04-01 and
Conversations v1), those that we may come to use among them, so that a slip of ours or of the client's is seen.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator

from messaging.senders.base import OutboundMessage
from messaging.senders.chat import ChatSender
from messaging.senders.twilio import TwilioSender
from messaging.senders.twilio_account import TwilioAccount
from messaging.senders.voice import VoiceSender
from messaging.senders.whatsapp import WhatsAppSender

from .conftest import SID, Api, Asked

TEXT, TEXTS = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
WHOLE = {"type": "string", "pattern": "^[0-9]+$"}
PAGE = {"type": "string", "pattern": "^([1-9][0-9]{0,2}|1000)$"}
LINK = {"type": "string", "pattern": "^https?://[^ _/]+/"}
METHOD = {"enum": ["GET", "POST"]}


def _sid(prefix: str) -> dict[str, str]:
    return {"type": "string", "pattern": f"^{prefix}[0-9a-fA-F]{{32}}$"}


ACCOUNT = r"/2010-04-01/Accounts/AC[0-9a-fA-F]{32}"
CHAT = r"/v1/Services/IS[0-9a-fA-F]{32}/Conversations/CH[0-9a-fA-F]{32}/Messages"
DESCRIBED: Mapping[tuple[str, str], tuple[tuple[str, ...], dict[str, Any]]] = {  # what is needed, and what is known
    ("POST", ACCOUNT + r"/Messages\.json"): (
        ("To",),
        {
            "To": TEXT, "From": TEXT, "Body": TEXT, "MessagingServiceSid": _sid("MG"), "ContentSid": _sid("HX"),
            "ContentVariables": TEXT, "MediaUrl": TEXTS, "StatusCallback": LINK, "ValidityPeriod": WHOLE,
            "SmartEncoded": {"enum": ["true", "false"]}, "ScheduleType": {"enum": ["fixed"]}, "SendAt": TEXT,
        },
    ),
    ("GET", ACCOUNT + r"/Messages\.json"): (
        (),
        {"To": TEXT, "From": TEXT, "DateSent": TEXT, "DateSent<": TEXT, "DateSent>": TEXT, "PageSize": PAGE, "Page": WHOLE,
         "PageToken": TEXT},
    ),
    ("POST", ACCOUNT + r"/Calls\.json"): (
        ("To", "From"),
        {
            "To": TEXT, "From": TEXT, "Twiml": TEXT, "Url": LINK, "Timeout": WHOLE, "TimeLimit": WHOLE, "StatusCallback": LINK,
            "StatusCallbackMethod": METHOD, "StatusCallbackEvent": TEXTS, "MachineDetection": TEXT,
        },
    ),
    ("GET", ACCOUNT + r"/Calls\.json"): (
        (),
        {"To": TEXT, "From": TEXT, "Status": TEXT, "StartTime": TEXT, "StartTime<": TEXT, "StartTime>": TEXT, "PageSize": PAGE,
         "Page": WHOLE, "PageToken": TEXT},
    ),
    ("POST", CHAT): ((), {"Author": TEXT, "Body": TEXT, "Attributes": TEXT, "MediaSid": _sid("ME"), "ContentSid": _sid("HX"),
                          "ContentVariables": TEXT}),
    ("GET", CHAT): ((), {"Order": {"enum": ["asc", "desc"]}, "PageSize": PAGE, "Page": WHOLE, "PageToken": TEXT}),
}  # fmt: skip


def faults(asked: Asked) -> list[str]:
    """List what the description does not allow in a request; an array may come several times, all else once."""
    path = urlsplit(asked.path).path
    found = [each for key, each in DESCRIBED.items() if key[0] == asked.method and re.fullmatch(key[1], path)]
    if not found:
        return [f"{asked.method} {path} is not described"]
    needed, known = found[0]
    given: dict[str, Any] = {}
    for name, value in asked.pairs:
        if known.get(name) is TEXTS:
            given.setdefault(name, []).append(value)
        elif name in given:
            return [f"{name} comes twice"]
        else:
            given[name] = value
    schema = {"properties": known, "required": list(needed), "additionalProperties": False}
    return [error.message for error in Draft202012Validator(schema).iter_errors(given)]


MEDIA = ("https://shop.example.com/a.png", "https://shop.example.com/b.png")
TEMPLATE = "HX" + "2" * 32
KINDS: list[tuple[str, Callable[[TwilioAccount], Any], dict[str, Any]]] = [
    ("sms", TwilioSender, {}),
    ("sms", TwilioSender, {"media_urls": MEDIA}),
    ("sms", TwilioSender, {"media_urls": MEDIA[:1], "body": ""}),
    ("whatsapp", WhatsAppSender, {"content_sid": TEMPLATE, "content_variables": {"1": "Zoë"}}),
    ("whatsapp", WhatsAppSender, {"content_sid": TEMPLATE}),
    ("whatsapp", WhatsAppSender, {"window_open": True}),
    ("whatsapp", WhatsAppSender, {"window_open": True, "media_urls": MEDIA[:1]}),
    ("voice", VoiceSender, {"language": "de-DE"}),
    ("chat", lambda account: ChatSender(account, "IS" + "3" * 32, "Shop"), {"to": "CH" + "4" * 32}),
]


def _message(channel: str, **other: Any) -> OutboundMessage:
    given = {"message_id": "msg_1", "channel": channel, "to": "+447911123456", "body": "Ein Gruß & mehr"}
    return OutboundMessage(**(given | other))


@pytest.mark.parametrize("service", ["", "MG" + "5" * 32])
@pytest.mark.parametrize(("channel", "sender", "other"), KINDS)
def test_each_kind_of_message_and_its_list_is_valid_by_twilios_description(
    api: Api, channel: str, sender: Callable[[TwilioAccount], Any], other: dict[str, Any], service: str
) -> None:
    account = TwilioAccount(SID, "token", api.url, "https://hooks.example.com", "+15005550006", service)
    api.answer = (201, {"sid": "SM" + "6" * 32, "status": "queued"}, {})
    message = _message(channel, **other)
    sender(account).send(message)
    api.answer = (200, {"messages": [], "calls": [], "meta": {"key": "messages"}}, {})
    sender(account).find(message, datetime.fromisoformat("2026-11-22"))
    assert [asked.method for asked in api.asked] == ["POST", "GET"]
    assert [faults(asked) for asked in api.asked] == [[], []]


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ([("Body", "Hello")], "'To' is a required property"),
        ([("To", "+447911123456"), ("Bodies", "Hello")], "'Bodies' was unexpected"),
        ([("To", "+447911123456"), ("ContentSid", "H1")], "'H1' does not match"),
        ([("To", "+447911123456"), ("To", "+447911123457")], "To comes twice"),
    ],
)
def test_what_the_description_does_not_allow_is_seen(pairs: list[tuple[str, str]], told: str) -> None:
    [fault] = faults(Asked("POST", f"/2010-04-01/Accounts/{SID}/Messages.json", pairs, None, {}))
    assert told in fault
