"""What a signed request says, as plain data; NUL and halves of characters are taken out, for databases keep none."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from messaging.inbox import Inbound, Keyword
from messaging.outbox import StatusUpdate
from messaging.webhooks.media import MOST, Medium
from messaging.webhooks.signatures import Form

if TYPE_CHECKING:
    from messaging.senders.twilio_inbound import CameIn

PROVIDER = "twilio"
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
_COORDINATE = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,15})?", re.ASCII)
_OPT_OUT: Mapping[str, Keyword] = {"STOP": "stop", "START": "start", "HELP": "help"}


def read_status(form: Form, message_id: str | None) -> StatusUpdate | None:
    """Read a status callback, or give None where it does not say of which message or call, or which status.

    `message_id` is our own, from the address that we gave.
    """
    sid = _text(form, "MessageSid", "SmsSid", "CallSid")
    status = _text(form, "MessageStatus", "SmsStatus", "CallStatus")
    if not sid or not status:
        return None
    code = _text(form, "ErrorCode")
    number = int(code) if code.isascii() and code.isdigit() and len(code) <= 6 else None
    return StatusUpdate(PROVIDER, sid, status, _clean(message_id or "") or None, number, payload_of(form))


def read_inbound(form: Form) -> Inbound | None:
    """Read an incoming message, or give None where it does not say which, from whom, to whom."""
    sid = _text(form, "MessageSid", "SmsMessageSid", "SmsSid")
    sender, recipient = _text(form, "From"), _text(form, "To")
    if not sid or not sender or not recipient:
        return None
    return Inbound(
        provider=PROVIDER,
        provider_sid=sid,
        channel=_channel(sender),
        from_address=_number(sender),
        to_address=_number(recipient),
        body=_text(form, "Body", keep_space=True),
        payload=payload_of(form) | _place(form),
        opt_out=_OPT_OUT.get(_text(form, "OptOutType").upper()),
        proven_by=PROVIDER,
    )


def read_listed(came: "CameIn", now: datetime) -> Inbound:
    """Read a message of Twilio's own list, which nobody told us of when it came."""
    sender, recipient = _clean(came.sender), _clean(came.recipient)
    return Inbound(
        provider=PROVIDER,
        provider_sid=came.sid,
        channel=_channel(sender),
        from_address=_number(sender),
        to_address=_number(recipient),
        body=_clean(came.body),
        payload={"From": sender, "To": recipient, "Body": _clean(came.body)},
        proven_by=PROVIDER,
        said_at=min(came.came_at, now),
    )


def _channel(sender: str) -> str:
    return "whatsapp" if sender.startswith("whatsapp:") else "sms"


def _number(address: str) -> str:
    """Take off what says by which way a number was written to: a STOP by RCS is of the number, as one by SMS is."""
    return address.removeprefix("whatsapp:").removeprefix("rcs:")


def read_chat(form: Form) -> Inbound | None:
    """Read what somebody said in a chat, or give None where it does not say which, who or where.

    Its address is the conversation: that is where we write to, and where an opt-out counts.
    """
    sid, conversation = _text(form, "MessageSid"), _text(form, "ConversationSid")
    author = _text(form, "Author")
    if not sid or not conversation or not author:
        return None
    return Inbound(
        provider=PROVIDER,
        provider_sid=sid,
        channel="chat",
        from_address=conversation,
        to_address=_text(form, "ChatServiceSid", "MessagingServiceSid") or "chat",
        body=_text(form, "Body", keep_space=True),
        payload=payload_of(form),
        proven_by=PROVIDER,
    )


def read_media(form: Form) -> list[Medium]:
    """Read which files a message has, in their order."""
    count = _text(form, "NumMedia")
    most = min(int(count), MOST) if count.isascii() and count.isdigit() and len(count) < 4 else 0
    places = [(number, _text(form, f"MediaUrl{number}")) for number in range(most)]
    return [
        Medium(number, url[:2000], _text(form, f"MediaContentType{number}")[:100])
        for number, url in places
        if url
    ]


def _place(form: Form) -> dict[str, Any]:
    """Give where somebody says they are, where a message tells of a place that there is on Earth."""
    given = [_text(form, name) for name in ("Latitude", "Longitude")]
    if not all(_COORDINATE.fullmatch(text) for text in given):
        return {}
    latitude, longitude = map(float, given)
    if abs(latitude) > 90 or abs(longitude) > 180:
        return {}
    place = {"latitude": latitude, "longitude": longitude}
    told = {"label": _text(form, "Label"), "address": _text(form, "Address")}
    return {"place": place | {name: text for name, text in told.items() if text}}


def twiml(answer: str | None) -> str:
    """Write what Twilio is to answer for us: one message, or nothing."""
    told = f"<Message>{escape(_clean(answer))}</Message>" if answer else ""
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{told}</Response>' if told else EMPTY_TWIML


def payload_of(form: Form) -> dict[str, Any]:
    """Give every field as it came; one that came several times as a list."""
    fields: dict[str, Any] = {}
    for name in form:
        values = [_clean(value) for value in form.getlist(name)]
        fields[_clean(name)] = values[0] if len(values) == 1 else values
    return fields


def _text(form: Form, *names: str, keep_space: bool = False) -> str:
    for name in names:
        value = _clean(form.get(name) or "")
        if value.strip():
            return value if keep_space else value.strip()
    return ""


def _clean(text: str) -> str:
    """Give a text that can be kept: JSON, as lists come, can hold half a character, which a form cannot."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
