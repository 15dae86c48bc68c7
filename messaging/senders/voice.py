"""Calls through Twilio that read a message aloud (TwiML's Say)."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from twilio.twiml.voice_response import VoiceResponse  # type: ignore[import-untyped]

from messaging.senders.base import OutboundMessage, Outcome, ProviderRecord, Rejected
from messaging.senders.twilio_account import (
    FIND_LIMIT,
    TwilioAccount,
    TwilioCalls,
    naive_utc,
    refuse_number,
)

TWIML_LIMIT = 4000  # characters of the Twiml parameter, by Twilio's reference of the Call resource
RING_SECONDS = 30  # about five rings; Twilio's default of 60 outlasts most answering machines
CALLBACK_EVENTS = ["initiated", "ringing", "answered", "completed"]
_NOT_IN_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


class VoiceSender:
    """Calls a number and says the message, twice, since a telephone cannot be read again."""

    provider = "twilio"
    can_find = True

    def __init__(self, account: TwilioAccount) -> None:
        self._from = account.from_number
        self._calls = TwilioCalls(account)

    def send(self, message: OutboundMessage) -> Outcome:
        """Call Twilio once."""
        twiml = say(message)
        refusal = refuse_number(message)
        if refusal is None and not message.body.strip():
            refusal = Rejected("fix", "The message has nothing to say. Mend the template.")
        if refusal is None and len(twiml) > TWIML_LIMIT:
            refusal = Rejected(
                "fix", f"The message is {len(twiml)} characters long as TwiML; {TWIML_LIMIT} are allowed."
            )
        return refusal or self._calls.create(lambda: self._create(message, twiml))

    def find(self, message: OutboundMessage, since: datetime) -> Sequence[ProviderRecord]:
        """List our calls to this number since a moment, newest first.

        What was said is not on record: that we called this number from ours is all the evidence there is, so
        each such call counts as one with this text.
        """
        return self._calls.list(
            lambda: self._calls.client.calls.stream(
                to=message.to, from_=self._from, limit=FIND_LIMIT, page_size=50
            ),
            lambda item: _record(item, message),
            since,
        )

    def _create(self, message: OutboundMessage, twiml: str) -> Any:
        return self._calls.client.calls.create(
            to=message.to,
            from_=self._from,
            twiml=twiml,
            timeout=RING_SECONDS,
            status_callback=self._calls.callback(message),
            status_callback_event=CALLBACK_EVENTS,
            status_callback_method="POST",
        )


def say(message: OutboundMessage) -> str:
    """Give the TwiML that says the message, in its language and voice where it names them."""
    told = {
        name: value for name, value in (("language", message.language), ("voice", message.voice)) if value
    }
    response = VoiceResponse()
    response.say(_NOT_IN_XML.sub(" ", message.body), loop=2, **told)
    return str(response)


def _record(item: Any, message: OutboundMessage) -> ProviderRecord:
    return ProviderRecord(
        sid=item.sid,
        to=item.to,
        body=message.body,
        status=str(item.status),
        created_at=naive_utc(item.date_created),
    )
