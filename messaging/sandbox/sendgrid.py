"""The SendGrid look-alike: it takes mails as v3/mail/send does, and tells what became of them by signed events."""

import base64
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from functools import partial
from typing import Any

from messaging.sandbox.event_signing import EventKey
from messaging.sandbox.faults import Fault
from messaging.sandbox.mail import Mail, Mailbox
from messaging.sandbox.mail_send import Errors, check_mail_send
from messaging.sandbox.settings import SandboxSettings
from messaging.sandbox.work import Webhook, Works

Event = dict[str, Any]
MACHINE = "Mozilla/5.0 (via ggpht.com GoogleImageProxy)"
READER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"


@dataclass(frozen=True)
class _Sent:
    """What events repeat of a mail. `callbacks` is a fault: normal, none, double or reversed."""

    recipient: str
    message_id: str
    smtp_id: str
    custom_args: dict[str, str]
    categories: list[str]
    callbacks: str


class SendGrid:
    """One sandbox's SendGrid; every method may be called from any thread. `now` gives naive UTC."""

    def __init__(
        self, settings: SandboxSettings, now: Callable[[], datetime], works: Works, mailbox: Mailbox
    ) -> None:
        self.key = EventKey(settings.auth_token)
        self._settings = settings
        self._now = now
        self._works = works
        self._mailbox = mailbox
        self._lock = threading.Lock()
        self._sent: dict[int, _Sent] = {}  # by the mail's number

    def send(self, document: Any, faults: dict[str, Fault]) -> str | Errors:
        """Take the mails of a request and give its id, or say what is wrong with it."""
        errors = check_mail_send(document)
        if errors:
            self._works.refused[400] += 1
            return errors
        message_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        for part in document["personalizations"]:
            for to in part["to"]:
                self._deliver(document, part, to, message_id, faults)
        return message_id

    def is_here(self, number: int) -> bool:
        """Say whether a mail came by SendGrid, so that what its reader does is told."""
        with self._lock:
            return number in self._sent

    def read(self, number: int, event: str, **more: Any) -> None:
        """Tell what the reader of a mail did: open, click, spamreport or unsubscribe."""
        with self._lock:
            sent = self._sent[number]
        self._tell(sent, [self._event(sent, event, **({"useragent": READER, "ip": "192.0.2.7"} | more))])

    def _deliver(
        self,
        document: dict[str, Any],
        part: dict[str, Any],
        to: dict[str, str],
        message_id: str,
        faults: dict[str, Fault],
    ) -> None:
        sent = _Sent(
            recipient=to["email"],
            message_id=f"{message_id}.sandbox-{uuid.uuid4().hex[:8]}-0",
            smtp_id=f"<{message_id}@sandbox.sendgrid.example>",
            custom_args=document.get("custom_args", {}) | part.get("custom_args", {}),
            categories=list(document.get("categories", [])),
            callbacks=_callbacks(faults),
        )
        way = _way(faults)
        if way[-1] not in {"bounce", "dropped"}:
            mail = _compose(document, part, to, sent.smtp_id, self._now())
            sender = document["from"]["email"]
            number = self._mailbox.add(sender, (to["email"],), mail.as_bytes()).number
            with self._lock:
                self._sent[number] = sent
                while len(self._sent) > self._settings.mails_kept:
                    del self._sent[next(iter(self._sent))]
        events = [self._event(sent, event, **_FIELDS.get(event, {})) for event in way]
        self._works.pending.begin()
        self._works.timeline.after(self._settings.step_seconds, partial(self._report, sent, events))

    def _report(self, sent: _Sent, events: list[Event]) -> None:
        try:
            for event in reversed(events) if sent.callbacks == "reversed" else events:
                self._tell(sent, [event])
        finally:
            self._works.pending.end()

    def _tell(self, sent: _Sent, events: list[Event]) -> None:
        if sent.callbacks == "none":
            return
        body = json.dumps(events).encode()
        timestamp = str(int(datetime.now(UTC).timestamp()))  # the real time: receivers refuse what is old
        headers = self.key.headers(timestamp, body) | {"Content-Type": "application/json"}
        webhook = Webhook(self._settings.sendgrid_events_url, {}, body, headers)
        for _ in range(2 if sent.callbacks == "double" else 1):
            self._works.couriers.post(sent.message_id, webhook)

    def _event(self, sent: _Sent, event: str, **more: Any) -> Event:
        name = "open" if event == "machine_open" else event
        told: Event = {
            **sent.custom_args,
            "email": sent.recipient,
            "timestamp": int(self._now().replace(tzinfo=UTC).timestamp()),
            "event": name,
            "sg_event_id": base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="),
            "sg_message_id": sent.message_id,
            "smtp-id": sent.smtp_id,
        }
        if sent.categories:
            told["category"] = sent.categories
        if name == "open":
            told["sg_machine_open"] = event == "machine_open"
        return told | more

    def answer(self, mail: Mail, words: str) -> None:
        """Post what the reader of a mail answers, as Inbound Parse does: a form of parts, which nobody signs."""
        parsed = mail.parse()
        reader, company = mail.envelope_to[0], mail.envelope_from
        subject = " ".join(str(parsed.get("Subject", "")).split())
        headers = {
            "From": reader,
            "To": company,
            "Subject": subject if subject.lower().startswith("re:") else f"Re: {subject}",
            "Message-ID": f"<{uuid.uuid4().hex}@{reader.rpartition('@')[2]}>",
            "Date": format_datetime(self._now().replace(tzinfo=UTC)),
        }
        if parsed.get("Message-ID"):
            headers["In-Reply-To"] = headers["References"] = str(parsed["Message-ID"]).strip()
        content_type, body = _parts(
            {
                "headers": "".join(f"{name}: {value}\n" for name, value in headers.items()),
                "dkim": f"{{@{reader.rpartition('@')[2]} : pass}}",
                "to": company,
                "from": reader,
                "text": words,
                "sender_ip": "192.0.2.7",
                "envelope": json.dumps({"to": [company], "from": reader}),
                "attachments": "0",
                "subject": headers["Subject"],
                "charsets": json.dumps(dict.fromkeys(("to", "subject", "from", "text"), "UTF-8")),
                "SPF": "pass",
            }
        )
        webhook = Webhook(self._settings.sendgrid_inbound_url, {}, body, {"Content-Type": content_type})
        self._works.couriers.post(reader, webhook)


_FIELDS: dict[str, dict[str, Any]] = {
    "delivered": {"response": "250 2.0.0 OK", "tls": 1},
    "deferred": {"response": "451 4.7.1 Please try again later", "attempt": "1"},
    "bounce": {
        "reason": "550 5.1.1 The email account that you tried to reach does not exist.",
        "status": "5.1.1",
        "type": "bounce",
        "bounce_classification": "Invalid Address",
    },
    "dropped": {"reason": "Bounced Address", "status": "5.0.0"},
    "machine_open": {"useragent": MACHINE, "ip": "192.0.2.8"},
}


def _way(faults: dict[str, Fault]) -> list[str]:
    """Give the events of a mail in the order in which they come about."""
    if "dropped" in faults:
        return ["dropped"]
    way = ["processed", *(["deferred"] if "deferred" in faults else [])]
    if "bounce" in faults:
        return [*way, "bounce"]
    later = [("machine_open", "machine_open"), ("spam_report", "spamreport")]
    return [*way, "delivered", *(event for kind, event in later if kind in faults)]


def _callbacks(faults: dict[str, Fault]) -> str:
    kinds = {"no_callback": "none", "double_callback": "double", "reversed_callbacks": "reversed"}
    return next((told for kind, told in kinds.items() if kind in faults), "normal")


def _compose(
    document: dict[str, Any], part: dict[str, Any], to: dict[str, str], smtp_id: str, now: datetime
) -> EmailMessage:
    """Write the mail that the recipient gets."""
    mail = EmailMessage(policy=SMTP)
    sender = document["from"]
    mail["From"] = formataddr((sender.get("name", ""), sender["email"]))
    mail["To"] = formataddr((to.get("name", ""), to["email"]))
    mail["Subject"] = " ".join(str(part.get("subject") or document["subject"]).split())
    mail["Date"] = format_datetime(now.replace(tzinfo=UTC))
    mail["Message-ID"] = smtp_id
    for name, value in (document.get("headers", {}) | part.get("headers", {})).items():
        mail[name] = value
    first, *others = document["content"]
    mail.set_content(first["value"], subtype=first["type"].partition("/")[2])
    for other in others:
        mail.add_alternative(other["value"], subtype=other["type"].partition("/")[2])
    return mail


def _parts(fields: dict[str, str]) -> tuple[str, bytes]:
    """Write a multipart form; give its type and its bytes."""
    boundary = f"xYzZY{uuid.uuid4().hex}"
    parts = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    return f"multipart/form-data; boundary={boundary}", f"{parts}--{boundary}--\r\n".encode()
