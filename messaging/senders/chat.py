"""Chat through Twilio Conversations: a message into the conversation that the customer has open."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from messaging.senders.base import OutboundMessage, Outcome, ProviderRecord, Rejected
from messaging.senders.twilio_account import FIND_LIMIT, TwilioAccount, TwilioCalls, naive_utc

NOT_FOUND = 20404
_CONVERSATION = re.compile(r"CH[0-9a-fA-F]{32}", re.ASCII)


class ChatSender:
    """Writes into conversations of one Conversations service; an address is a conversation's sid."""

    provider = "twilio"
    can_find = True

    def __init__(self, account: TwilioAccount, service_sid: str, author: str) -> None:
        self._calls = TwilioCalls(account)
        self._service = self._calls.client.conversations.v1.services(service_sid)
        self._author = author

    def send(self, message: OutboundMessage) -> Outcome:
        """Call Twilio once. The attributes carry our message id, which the list of messages gives back."""
        if not _CONVERSATION.fullmatch(message.to):
            return Rejected(
                "fix", "The address is no Twilio conversation (CH and 32 hex digits). Correct it."
            )
        outcome = self._calls.create(lambda: self._create(message), status="sent")
        if isinstance(outcome, Rejected) and outcome.code == NOT_FOUND:  # this conversation, most likely
            return replace(outcome, about="message")
        return outcome

    def find(self, message: OutboundMessage, since: datetime) -> Sequence[ProviderRecord]:
        """List what we wrote into this conversation since a moment under this message's id, newest first."""
        return [
            record
            for record in self._calls.list(
                lambda: self._messages(message).stream(order="desc", limit=FIND_LIMIT, page_size=50),
                lambda item: _record(item, message),
                since,
            )
            if record.body == message.body
        ]

    def _messages(self, message: OutboundMessage) -> Any:
        return self._service.conversations(message.to).messages

    def _create(self, message: OutboundMessage) -> Any:
        attributes = json.dumps({"message_id": message.message_id})
        return self._messages(message).create(author=self._author, body=message.body, attributes=attributes)


def _record(item: Any, message: OutboundMessage) -> ProviderRecord:
    ours = json.loads(item.attributes or "{}").get("message_id") == message.message_id
    return ProviderRecord(
        sid=item.sid,
        to=item.conversation_sid,
        body=(item.body or "") if ours else "",
        status="sent",
        created_at=naive_utc(item.date_created),
    )
