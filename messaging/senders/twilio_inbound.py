"""What came to a Twilio account's numbers, by Twilio's own list: for what its webhooks could not tell us."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import takewhile
from typing import Any, TypeVar

import requests
from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from data_contracts.errors import ServiceError
from messaging.senders.twilio_account import naive_utc
from messaging.senders.twilio_http import OwnHttpClient

PAGE = 1000  # the most that Twilio gives at once
MOST = 100_000  # of one list that are read: a hundred pages
MOST_NUMBERS = 400  # of a Messaging Service, as Twilio bounds it
MOST_FILES = 10
Read = TypeVar("Read")


@dataclass(frozen=True)
class CameIn:
    """One message to us; `came_at` is naive UTC, addresses of other ways than SMS begin with it (`whatsapp:`)."""

    sid: str
    sender: str
    recipient: str
    body: str
    came_at: datetime
    files: int
    to_us: bool = True  # else we sent it, from one of our numbers to another


@dataclass(frozen=True)
class CameWith:
    """A file that came with a message."""

    url: str
    content_type: str


class InboundList:
    """Reads the lists of one account. Every method raises ServiceError where Twilio cannot be asked."""

    def __init__(self, sid: str, token: str, base_url: str) -> None:
        self._base_url = base_url
        self._client = Client(sid, token, http_client=OwnHttpClient(base_url))

    def messages_to(self, number: str, since: datetime, until: datetime) -> list[CameIn]:
        """List what came to a number between two moments (naive UTC), the newest first.

        Twilio filters by days, and does not say how it reads a moment; so it is asked for whole days, and a day more.
        """
        before = until + timedelta(days=1)
        listed = self._client.messages.stream
        return _asked(
            lambda: [
                one
                for one in takewhile(
                    lambda each: each.came_at >= since,  # they come by DateSent
                    map(
                        _came_in,
                        listed(
                            to=number,
                            date_sent_after=datetime.combine(since, time()),
                            date_sent_before=datetime.combine(before, time()),
                            limit=MOST,
                            page_size=PAGE,
                        ),
                    ),
                )
                if one.to_us and one.came_at <= until
            ]
        )

    def files_of(self, sid: str) -> list[CameWith]:
        """List the files of a message, in their order."""
        listed = _asked(lambda: list(self._client.messages(sid).media.list(limit=MOST_FILES)))
        return [
            CameWith(f"{self._base_url}{str(item.uri).removesuffix('.json')}", str(item.content_type or ""))
            for item in listed
        ]

    def numbers_of(self, service: str) -> list[str]:
        """Name the numbers and other senders of a Messaging Service, as messages are addressed to them."""
        this = self._client.messaging.v1.services(service)

        def read() -> Sequence[str | None]:
            return [
                *(item.phone_number for item in this.phone_numbers.stream(limit=MOST_NUMBERS)),
                *(item.short_code for item in this.short_codes.stream(limit=MOST_NUMBERS)),
                *(item.sender for item in this.channel_senders.stream(limit=MOST_NUMBERS)),
            ]

        return [number for number in _asked(read) if number]


def _came_in(item: Any) -> CameIn:
    return CameIn(
        sid=str(item.sid),
        sender=item.from_ or "",
        recipient=item.to or "",
        body=item.body or "",
        came_at=naive_utc(item.date_sent or item.date_created),
        files=int(item.num_media or 0),
        to_us=str(item.direction) == "inbound",
    )


def _asked(read: Callable[[], Read]) -> Read:
    try:
        return read()
    except (
        TwilioException,
        requests.RequestException,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
    ) as error:
        raise ServiceError(
            f"Twilio's list of what came in cannot be read ({type(error).__name__}).",
            "It is read again in a few minutes; see docs/receiver.md.",
        ) from error
