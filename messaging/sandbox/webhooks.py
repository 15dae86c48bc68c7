"""What Twilio tells us by webhook, and at which status (pure)."""

from datetime import datetime

from messaging.sandbox.messages import Message

CALLBACK_FAULTS = {"no_callback": "none", "double_callback": "double", "reversed_callbacks": "reversed"}
_WAY = {"scheduled": "queued", "accepted": "queued", "queued": "sending", "sending": "sent"}


def next_status(message: Message) -> str:
    """Give the status after the present one; a message that fails does so where it would have been sent."""
    following = _WAY.get(message.status)
    if following is None or (following == "sent" and message.outcome == "failed"):
        return message.outcome
    return following


def status_params(message: Message, account_sid: str, now: datetime) -> dict[str, str]:
    """Give the form of a status callback; the API offers no way to add fields of one's own."""
    params = {
        "AccountSid": account_sid,
        "ApiVersion": "2010-04-01",
        "From": message.sender or "",
        "MessageSid": message.sid,
        "MessageStatus": message.status,
        "SmsSid": message.sid,
        "SmsStatus": message.status,
        "To": message.recipient,
    }
    if message.service_sid:
        params["MessagingServiceSid"] = message.service_sid
    if message.error_code is not None:
        params["ErrorCode"] = str(message.error_code)
    if message.status in {"delivered", "undelivered"}:
        params["RawDlrDoneDate"] = now.strftime("%y%m%d%H%M")  # the carrier's, which names no time zone
    if message.recipient.startswith("whatsapp:"):
        params |= {"ChannelPrefix": "whatsapp", "ChannelToAddress": message.recipient}
        if message.status in {"delivered", "read"}:
            params["EventType"] = message.status.upper()
    return params


def inbound_params(message: Message, account_sid: str, keyword: str | None) -> dict[str, str]:
    """Give the form of an incoming message, with OptOutType where Twilio acted upon a keyword."""
    assert message.sender is not None
    params = {
        "AccountSid": account_sid,
        "ApiVersion": "2010-04-01",
        "Body": message.body,
        "From": message.sender,
        "MessageSid": message.sid,
        "NumMedia": str(len(message.media)),
        "NumSegments": str(message.segments),
        "SmsMessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsStatus": "received",
        "To": message.recipient,
    }
    params |= {f"MediaUrl{place}": url for place, url in enumerate(message.media)}
    if keyword:
        params["OptOutType"] = keyword
    if message.sender.startswith("whatsapp:"):
        params["WaId"] = message.sender.removeprefix("whatsapp:+")
    return params
