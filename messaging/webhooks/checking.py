"""Sends the synthetic requests, looks whether they came all the way, and writes down where one did not."""

import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import requests
import structlog
from sqlalchemy import select
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from data_contracts.errors import StoreError
from messaging.clock import Clock
from messaging.links import Links, read_links
from messaging.settings import Settings, is_loopback
from messaging.store import Store
from messaging.store.tables_receiver import intakes
from messaging.webhooks.checks import HEADER, check_token, note

log = structlog.get_logger(__name__)

EVERY = 300.0  # seconds
FIRST_AFTER = 20.0  # once everything before us has started, too
TIMEOUTS = (5, 15)  # seconds
NOBODY = "+15005550006"  # Twilio's own magic number of test credentials
FORM = "application/x-www-form-urlencoded"
UNSIGNED = "sendgrid/events"  # only SendGrid holds the key: that it is reached and refuses strangers is all we can see


@dataclass(frozen=True)
class _Synthetic:
    """One request as somebody else would send it."""

    intake: str
    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Checker:
    """Checks the intakes of one installation; what it finds lies in the store, where notifications look."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._links: Links = read_links(settings)
        self._public_url = settings.public_url.rstrip("/")

    def run(self, stop: threading.Event) -> None:
        """Check every few minutes until `stop` is set."""
        pause = FIRST_AFTER
        while not stop.wait(pause):
            pause = EVERY
            try:
                self.check_all(stop)
            except StoreError as error:
                log.warning("intakes.store", reason=type(error).__name__)

    def check_all(self, stop: threading.Event | None = None) -> dict[str, str | None]:
        """Check every intake once; give what is wrong with each, as a code, or None."""
        found: dict[str, str | None] = {}
        for synthetic in self._synthetics():
            if stop is not None and stop.is_set():
                break
            found[synthetic.intake] = self._check(synthetic)
        return found

    def _check(self, synthetic: _Synthetic) -> str | None:
        reason = self._post(synthetic)
        if reason is not None or synthetic.intake == UNSIGNED:
            with self._store.write() as connection:
                note(connection, synthetic.intake, self._clock.now(), reason=reason)
        if reason is not None:
            log.error("intake.broken", intake=synthetic.intake, reason=reason)
        return reason

    def _post(self, synthetic: _Synthetic) -> str | None:
        """Send a request and look for what it left in the store; give what is wrong."""
        moment = int(time.time())
        headers = {HEADER: check_token(self._links, synthetic.intake, moment), **synthetic.headers}
        with requests.Session() as session:
            session.trust_env = not is_loopback(urlsplit(self._public_url).hostname or "")
            try:
                answer = session.post(
                    self._public_url + synthetic.path,
                    data=synthetic.body, headers=headers, timeout=TIMEOUTS, allow_redirects=False,
                )  # fmt: skip
            except requests.RequestException as error:
                return type(error).__name__
        expected = 403 if synthetic.intake == UNSIGNED else 200
        if answer.status_code not in {expected, 204 if expected == 200 else expected}:
            return f"http_{answer.status_code}"
        if synthetic.intake != UNSIGNED and not self._came(synthetic.intake, headers[HEADER]):
            return "not_recorded"
        return None

    def _came(self, intake: str, token: str) -> bool:
        """Say whether this very request is noted in the store."""
        table = intakes.c
        with self._store.read() as connection:
            kept = connection.execute(select(table.passed_by).where(table.intake == intake)).scalar()
        return kept == token

    def _synthetics(self) -> list[_Synthetic]:
        number = secrets.token_hex(16)
        message = {
            "MessageSid": f"SM{number}",
            "From": NOBODY,
            "To": NOBODY,
            "Body": "check",
            "NumMedia": "0",
        }
        status = {"MessageSid": f"SM{number}", "MessageStatus": "sent", "From": NOBODY, "To": NOBODY}
        chat = {"EventType": "onMessageAdded", "ConversationSid": f"CH{number}", "MessageSid": f"IM{number}"}
        chat |= {"Author": "check", "Body": "check", "Source": "SDK"}
        event = {"message_id": f"check-{number}", "name": "check"}
        form = {"form": self._links.form(int(time.time()) - 60, number), "email": "check@example.com"}
        mail_key = self._links.sign("sendgrid", "inbound")
        boundary, mail = _mail(number)
        return [
            self._by_twilio("twilio/inbound", message),
            self._by_twilio("twilio/status", status),
            self._by_twilio("twilio/conversations", chat),
            _Synthetic(
                "sendgrid/inbound",
                f"/webhooks/sendgrid/inbound?key={mail_key}",
                mail,
                {"Content-Type": boundary},
            ),
            _Synthetic(UNSIGNED, "/webhooks/sendgrid/events", b"[]", {"Content-Type": "application/json"}),
            _Synthetic("events", "/events", json.dumps(event).encode(), {"Content-Type": "application/json"}),
            _Synthetic(
                "contact",
                "/contact",
                urlencode(form | {"message": "check", "name": ""}).encode(),
                {"Content-Type": FORM},
            ),
        ]

    def _by_twilio(self, intake: str, fields: Mapping[str, str]) -> _Synthetic:
        path = f"/webhooks/{intake}"
        validator = RequestValidator(self._settings.twilio_token)
        signed = validator.compute_signature(self._public_url + path, dict(fields))
        headers = {"Content-Type": FORM, "X-Twilio-Signature": signed}
        return _Synthetic(intake, path, urlencode(fields).encode(), headers)


def _mail(number: str) -> tuple[str, bytes]:
    fields = {
        "headers": f"Message-ID: <check-{number}@example.com>\n",
        "from": "check@example.com",
        "text": "check",
    }
    parts = "".join(
        f'--{number}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    return f"multipart/form-data; boundary={number}", f"{parts}--{number}--\r\n".encode()
