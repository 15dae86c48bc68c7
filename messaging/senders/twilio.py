"""SMS through Twilio's own client: at Twilio, or at the sandbox on this machine, by the same code."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any
from urllib.parse import urlencode

import requests
import urllib3.exceptions
from twilio.base.exceptions import (  # type: ignore[import-untyped]
    TwilioException,
    TwilioRestException,
    TwilioServiceException,
)
from twilio.rest import Client  # type: ignore[import-untyped]

from data_contracts.errors import ServiceError
from messaging.senders.base import Accepted, OutboundMessage, Outcome, ProviderRecord, Rejected, Unknown
from messaging.senders.codes import read_codes, rule_for
from messaging.senders.twilio_http import OwnHttpClient

STATUS_PATH = "/webhooks/twilio/status"
FIND_LIMIT = 200  # messages to one number in a few minutes: far more than there ever are
TRIES = 8  # of a call that did not reach the provider


@dataclass(frozen=True)
class TwilioAccount:
    """Who sends: the account, where its API is, and the number or Messaging Service behind messages."""

    sid: str
    token: str
    base_url: str
    public_url: str  # where status callbacks reach us
    from_number: str = ""
    messaging_service_sid: str = ""


class TwilioSender:
    """Sends SMS. Every outcome is a value: what a provider or a network may do raises nothing."""

    provider = "twilio"
    can_find = True

    def __init__(self, account: TwilioAccount) -> None:
        self._account = account
        self._http = OwnHttpClient(account.base_url)
        self._messages = Client(account.sid, account.token, http_client=self._http).messages

    def send(self, message: OutboundMessage) -> Outcome:
        """Call Twilio once. The callback's address carries our message id: Twilio returns no other token."""
        try:
            sent = self._messages.create(
                to=message.to, body=message.body, status_callback=self._callback(message), **self._sender()
            )
        except (TwilioRestException, TwilioServiceException) as error:
            return _answered(error.status, error.code, self._http.last_headers.get("Retry-After"))
        except requests.RequestException as error:
            return _unanswered(error)
        except (TwilioException, ValueError, KeyError, TypeError, AttributeError):
            return Unknown("The provider answered with something that could not be read.")
        if not sent.sid:
            return Unknown("The provider answered without an id.")
        return Accepted(sent.sid, str(sent.status), int(sent.num_segments or 0) or None)

    def find(self, message: OutboundMessage, since: datetime) -> Sequence[ProviderRecord]:
        """List what was created to this number since a moment, newest first.

        Not filtered by DateSent: a message that is still queued has none.
        """
        try:
            listed = self._messages.stream(to=message.to, limit=FIND_LIMIT, page_size=50)
            records: Iterator[ProviderRecord] = (_record(item) for item in listed)
            return list(takewhile(lambda record: record.created_at >= since, records))
        except (TwilioException, requests.RequestException, ValueError, KeyError, AttributeError) as error:
            raise ServiceError(
                f"The provider's list of messages cannot be read ({type(error).__name__}).",
                "Try again when it answers.",
            ) from error

    def _callback(self, message: OutboundMessage) -> str:
        return f"{self._account.public_url}{STATUS_PATH}?{urlencode({'message': message.message_id})}"

    def _sender(self) -> dict[str, str]:
        if self._account.messaging_service_sid:
            return {"messaging_service_sid": self._account.messaging_service_sid}
        return {"from_": self._account.from_number}


def _record(item: Any) -> ProviderRecord:
    created: datetime = item.date_created
    return ProviderRecord(
        sid=item.sid,
        to=item.to,
        body=item.body or "",
        status=str(item.status),
        created_at=created.astimezone(UTC).replace(tzinfo=None),
        error_code=int(item.error_code) if item.error_code else None,
    )


def _answered(status: int, code: int | None, retry_after: str | None) -> Outcome:
    """Judge an error that Twilio answered with. A 5xx may come after the message was taken: nobody knows."""
    if status >= 500 or status == 408:
        return Unknown(f"The provider answered with an error of its own (HTTP {status}).", status, code)
    if status == 401:
        code = 20003
    if status == 429 and code not in read_codes():
        code = 20429
    if code is None or code == status:  # the client's stand-in where the answer held no code
        return Rejected("fix", f"The provider refused the request (HTTP {status}).", http_status=status)
    rule = rule_for(code)
    return Rejected(
        kind=rule.kind,
        sentence=rule.told,
        code=code,
        http_status=status,
        retry_after=_seconds(retry_after),
        attempts=rule.attempts,
        opt_out=rule.opt_out,
    )


# What urllib3 gives as the reason when not one byte of a request has left.
_NEVER_LEFT = (
    urllib3.exceptions.NewConnectionError,  # refused, or a name that does not resolve
    urllib3.exceptions.ConnectTimeoutError,
)


def _unanswered(error: requests.RequestException) -> Outcome:
    """Judge a call without an answer: only where nothing can have left us is it surely not sent."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(error, requests.ConnectTimeout) or isinstance(reason, _NEVER_LEFT):
        return Rejected("retry", "The provider could not be reached.", attempts=TRIES)
    if isinstance(error, requests.Timeout):
        return Unknown("The provider did not answer in time.")
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
        return Rejected("fix", "The provider's address cannot be called. Check RAPPORT_TWILIO_API_URL.")
    return Unknown("The connection to the provider broke.")


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isdigit() else None
