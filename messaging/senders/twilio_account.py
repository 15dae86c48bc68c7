"""What every Twilio sender shares: the account, one call, and what is made of each way in which it ends."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any
from urllib.parse import urlencode

import requests
from twilio.base.exceptions import (  # type: ignore[import-untyped]
    TwilioException,
    TwilioRestException,
    TwilioServiceException,
)
from twilio.rest import Client  # type: ignore[import-untyped]

from data_contracts.errors import ServiceError
from messaging.senders.base import (
    About,
    Accepted,
    OutboundMessage,
    Outcome,
    ProviderRecord,
    Rejected,
    Unknown,
)
from messaging.senders.codes import read_codes, rule_for
from messaging.senders.http import seconds_of, unanswered
from messaging.senders.twilio_http import OwnHttpClient

STATUS_PATH = "/webhooks/twilio/status"
# Twilio asks again by itself only where it could not connect (once), not after a 5xx or a late answer. The fragment is read
# by Twilio alone: it is neither requested nor signed. See twilio.com/docs/usage/webhooks/webhooks-connection-overrides.
ASK_AGAIN = "#rc=5&rp=all"
FIND_LIMIT = 200  # messages to one number in a few minutes: far more than there ever are
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)


@dataclass(frozen=True)
class TwilioAccount:
    """Who sends: the account, where its API is, and the number or Messaging Service behind messages."""

    sid: str
    token: str = field(repr=False)
    base_url: str
    public_url: str  # where status callbacks reach us
    from_number: str = ""
    messaging_service_sid: str = ""


class TwilioCalls:
    """One account's client; every outcome is a value: what a provider or a network may do raises nothing."""

    def __init__(self, account: TwilioAccount) -> None:
        self._account = account
        self._http = OwnHttpClient(account.base_url)
        self.client = Client(account.sid, account.token, http_client=self._http)

    def create(self, call: Callable[[], Any], status: str | None = None) -> Outcome:
        """Make the one call that creates something; `status` is for what is created without one."""
        try:
            made = call()
            segments = int(getattr(made, "num_segments", None) or 0) or None
        except (TwilioRestException, TwilioServiceException) as error:
            return _answered(error.status, error.code, self._http.last_headers.get("Retry-After"))
        except requests.RequestException as error:
            return unanswered(error, "RAPPORT_TWILIO_API_URL")
        except (TwilioException, ValueError, KeyError, TypeError, AttributeError):
            return Unknown("The provider answered with something that could not be read.")
        if not made.sid:
            return Unknown("The provider answered without an id.")
        return Accepted(made.sid, status or str(made.status), segments)

    def list(
        self, listed: Callable[[], Any], record: Callable[[Any], ProviderRecord], since: datetime
    ) -> Sequence[ProviderRecord]:
        """List records that come newest first, down to a moment (naive UTC).

        Raises ServiceError when the provider cannot be asked.
        """
        try:
            records: Iterator[ProviderRecord] = (record(item) for item in listed())
            return list(takewhile(lambda one: one.created_at >= since, records))
        except (
            TwilioException,
            requests.RequestException,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
        ) as error:
            raise ServiceError(
                f"The provider's list cannot be read ({type(error).__name__}).",
                "Try again when it answers.",
            ) from error

    def callback(self, message: OutboundMessage) -> str:
        """Give the address for status callbacks; it carries our message id: Twilio returns no other token."""
        named = urlencode({"message": message.message_id})
        return f"{self._account.public_url}{STATUS_PATH}?{named}{ASK_AGAIN}"


def refuse_number(message: OutboundMessage) -> Rejected | None:
    """Refuse to call for what is no E.164 number: the provider would only say the same."""
    if _E164.fullmatch(message.to):
        return None
    return Rejected(
        "fix", "The address is no telephone number in E.164 form, such as +442079460000. Correct it."
    )


def naive_utc(moment: datetime) -> datetime:
    """Give a moment as our tables hold it."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _answered(status: int, code: int | None, retry_after: str | None) -> Outcome:
    """Judge an error that Twilio answered with. A 5xx may come after the message was taken: nobody knows."""
    if status >= 500 or status == 408:
        return Unknown(f"The provider answered with an error of its own (HTTP {status}).", status, code)
    if status == 401:
        code = 20003
    if status == 429 and code not in read_codes():
        code = 20429
    if code is None or code == status:  # the client's stand-in where the answer held no code
        about: About = "us" if status == 403 else "message"
        return Rejected(
            "fix", f"The provider refused the request (HTTP {status}).", http_status=status, about=about
        )
    rule = rule_for(code)
    return Rejected(
        kind=rule.kind,
        sentence=rule.told,
        code=code,
        http_status=status,
        retry_after=seconds_of(retry_after),
        attempts=rule.attempts,
        opt_out=rule.opt_out,
        about=rule.about,
    )
