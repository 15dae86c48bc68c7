"""E-mail through SendGrid's v3 API: one recipient a request, plain and HTML, and one click to leave.

Suppression groups (ASM) and SendGrid's own unsubscribe links stay off: who left is in our store, and only there.
Our message id goes along as a custom argument, which every event brings back; nothing personal does, since
SendGrid keeps arguments and categories for long and cannot redact them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests

from messaging.links import Links
from messaging.senders.base import Accepted, OutboundMessage, Outcome, ProviderRecord, Rejected, Unknown
from messaging.senders.codes import SENDGRID_CODES_FILE, read_codes
from messaging.senders.http import OnceHttp, host_of, seconds_of, unanswered
from messaging.senders.mail_headers import check_mail, leave_headers

SEND_PATH = "/v3/mail/send"
_RECIPIENT = re.compile(r"personalizations\.\d+\.to\.\d+\.email")
BAD_RECIPIENT = 1400  # in our table: a 400 about the recipient's address alone


@dataclass(frozen=True)
class SendGridAccount:
    """Where the API is, its key, and whom our mail comes from."""

    key: str = field(repr=False)
    base_url: str
    mail_from: str
    company_name: str


class SendGridSender:
    """Sends e-mail. Every outcome is a value: what a provider or a network may do raises nothing."""

    provider = "sendgrid"
    can_find = False  # its activity list is an add-on and lags by minutes: events settle what is unknown

    def __init__(self, account: SendGridAccount, links: Links) -> None:
        self._account = account
        self._links = links
        self._http = OnceHttp(host_of(account.base_url))

    def send(self, message: OutboundMessage) -> Outcome:
        """Call SendGrid once."""
        try:
            check_mail(message)
        except ValueError as error:
            return Rejected("fix", f"The message cannot be an e-mail: {error}")
        try:
            answer = self._http.request(
                "POST",
                self._account.base_url + SEND_PATH,
                headers={"Authorization": f"Bearer {self._account.key}"},
                json=self.compose(message),
            )
        except requests.RequestException as error:
            return unanswered(error, "RAPPORT_SENDGRID_API_URL")
        return _judge(answer)

    def find(self, message: OutboundMessage, since: datetime) -> Sequence[ProviderRecord]:  # noqa: ARG002
        """Find nothing: there is no list that could be trusted."""
        return []

    def compose(self, message: OutboundMessage) -> dict[str, Any]:
        """Give the body of the request."""
        content = [{"type": "text/plain", "value": message.body}]
        if message.html:
            content.append({"type": "text/html", "value": message.html})
        mail: dict[str, Any] = {
            "personalizations": [
                {"to": [{"email": message.to}], "custom_args": {"message_id": message.message_id}}
            ],
            "from": {"email": self._account.mail_from, "name": self._account.company_name},
            "subject": message.subject,
            "content": content,
            "categories": [message.message_class],
            "tracking_settings": {"subscription_tracking": {"enable": False}},
        }
        if self._links.leads_by_us(message.html or message.body):  # else each click would be noted twice
            mail["tracking_settings"]["click_tracking"] = {"enable": False, "enable_text": False}
        headers = leave_headers(message, self._links)
        return mail | ({"headers": headers} if headers else {})


def _judge(answer: requests.Response) -> Outcome:
    """Make an outcome of an answer: 202 took it, a 4xx surely did not, and of a 5xx nobody knows."""
    status = answer.status_code
    if status in {200, 202}:
        sid = answer.headers.get("X-Message-Id", "")
        return Accepted(sid) if sid else Unknown("The provider answered without an id.", status)
    if status >= 500 or status == 408 or status < 300:
        return Unknown(f"The provider answered with an error of its own (HTTP {status}).", status)
    code = BAD_RECIPIENT if status == 400 and _about_the_recipient(answer) else status
    rule = read_codes(SENDGRID_CODES_FILE).get(code)
    if rule is None:
        return Rejected("fix", f"The provider refused the request (HTTP {status}).", http_status=status)
    return Rejected(
        kind=rule.kind,
        sentence=rule.told,
        code=code,
        http_status=status,
        retry_after=seconds_of(answer.headers.get("Retry-After")),
        attempts=rule.attempts,
        about=rule.about,
    )


def _about_the_recipient(answer: requests.Response) -> bool:
    """Say whether every error is about the recipient's address: only then does it say anything of the person."""
    try:
        errors = answer.json()["errors"]
        fields = [str(one["field"]) for one in errors]
    except (ValueError, KeyError, TypeError):
        return False
    return bool(fields) and all(_RECIPIENT.fullmatch(name) for name in fields)
