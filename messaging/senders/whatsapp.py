"""WhatsApp through Twilio: an approved template (ContentSid), or free words within 24 hours of the person's own."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from messaging.senders.base import OutboundMessage, Outcome, ProviderRecord, Rejected
from messaging.senders.twilio import message_record
from messaging.senders.twilio_account import FIND_LIMIT, TwilioAccount, TwilioCalls, refuse_number

PREFIX = "whatsapp:"


class WhatsAppSender:
    """Sends WhatsApp messages; addresses outside of it are plain E.164 numbers."""

    provider = "twilio"
    can_find = True

    def __init__(self, account: TwilioAccount) -> None:
        self._from = PREFIX + account.from_number.removeprefix(PREFIX)
        self._calls = TwilioCalls(account)
        self._messages = self._calls.client.messages

    def send(self, message: OutboundMessage) -> Outcome:
        """Call Twilio once; without a template, only where the message says that its window is open."""
        refusal = refuse_number(message)
        if refusal is None and not message.content_sid and not message.window_open:
            refusal = Rejected(
                "fix",
                "The customer's last WhatsApp message is over 24 hours old. Use an approved template.",
                code=63016,
            )
        return refusal or self._calls.create(lambda: self._create(message))

    def find(self, message: OutboundMessage, since: datetime) -> Sequence[ProviderRecord]:
        """List what was created to this number since a moment, newest first.

        The provider writes a template's text out by itself: one that reads otherwise may be ours.
        """
        return self._calls.list(
            lambda: self._messages.stream(to=PREFIX + message.to, limit=FIND_LIMIT, page_size=50),
            _record,
            since,
        )

    def _create(self, message: OutboundMessage) -> Any:
        return self._messages.create(
            to=PREFIX + message.to,
            from_=self._from,
            status_callback=self._calls.callback(message),
            **_content(message),
        )


def _content(message: OutboundMessage) -> dict[str, Any]:
    """Give a template with its variables and nothing beside it (63016 otherwise), or words and media."""
    if message.content_sid:
        variables = dict(message.content_variables)
        told = {"content_variables": json.dumps(variables, ensure_ascii=False)} if variables else {}
        return {"content_sid": message.content_sid, **told}
    content: dict[str, Any] = {"body": message.body} if message.body else {}
    return content | ({"media_url": list(message.media_urls)} if message.media_urls else {})


def _record(item: Any) -> ProviderRecord:
    record = message_record(item)
    return replace(record, to=record.to.removeprefix(PREFIX))
