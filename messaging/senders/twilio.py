"""SMS and MMS through Twilio's own client: at Twilio, or at the sandbox on this machine, by the same code."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from messaging.senders.base import OutboundMessage, Outcome, ProviderRecord
from messaging.senders.twilio_account import (
    FIND_LIMIT,
    TwilioAccount,
    TwilioCalls,
    naive_utc,
    refuse_number,
)

LONGEST_VALIDITY = 36_000  # seconds: the largest that Twilio takes, and what holds where nothing is said


class TwilioSender:
    """Sends SMS, and MMS where a message has media."""

    provider = "twilio"
    can_find = True

    def __init__(self, account: TwilioAccount) -> None:
        self._account = account
        self._calls = TwilioCalls(account)
        self._messages = self._calls.client.messages

    def send(self, message: OutboundMessage) -> Outcome:
        """Call Twilio once."""
        return refuse_number(message) or self._calls.create(lambda: self._create(message))

    def find(self, message: OutboundMessage, since: datetime) -> Sequence[ProviderRecord]:
        """List what was created to this number since a moment, newest first.

        Not filtered by DateSent: a message that is still queued has none.
        """
        return self._calls.list(
            lambda: self._messages.stream(to=message.to, limit=FIND_LIMIT, page_size=50),
            message_record,
            since,
        )

    def _create(self, message: OutboundMessage) -> Any:
        content: dict[str, Any] = {"body": message.body} if message.body else {}
        if message.media_urls:
            content["media_url"] = list(message.media_urls)
        if message.valid_seconds is not None:
            content["validity_period"] = max(1, min(message.valid_seconds, LONGEST_VALIDITY))
        return self._messages.create(
            to=message.to, status_callback=self._calls.callback(message), **content, **self._sender()
        )

    def _sender(self) -> dict[str, str]:
        if self._account.messaging_service_sid:
            return {"messaging_service_sid": self._account.messaging_service_sid}
        return {"from_": self._account.from_number}


def message_record(item: Any) -> ProviderRecord:
    """Read one of Twilio's Message resources."""
    return ProviderRecord(
        sid=item.sid,
        to=item.to,
        body=item.body or "",
        status=str(item.status),
        created_at=naive_utc(item.date_created),
        error_code=int(item.error_code) if item.error_code else None,
    )
