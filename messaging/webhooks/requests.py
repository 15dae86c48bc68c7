"""What a signed request says, as plain data; a NUL is taken out, for PostgreSQL keeps none."""

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from messaging.inbox import Inbound, Keyword
from messaging.outbox import StatusUpdate
from messaging.webhooks.signatures import Form

PROVIDER = "twilio"
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
_OPT_OUT: Mapping[str, Keyword] = {"STOP": "stop", "START": "start", "HELP": "help"}


def read_status(form: Form, message_id: str | None) -> StatusUpdate | None:
    """Read a status callback, or give None where it does not say of which message or which status.

    `message_id` is our own, from the address that we gave.
    """
    sid, status = _text(form, "MessageSid", "SmsSid"), _text(form, "MessageStatus", "SmsStatus")
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
        channel="whatsapp" if sender.startswith("whatsapp:") else "sms",
        from_address=sender.removeprefix("whatsapp:"),
        to_address=recipient.removeprefix("whatsapp:"),
        body=_text(form, "Body", keep_space=True),
        payload=payload_of(form),
        opt_out=_OPT_OUT.get(_text(form, "OptOutType").upper()),
    )


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
    return text.replace("\x00", "\ufffd")
