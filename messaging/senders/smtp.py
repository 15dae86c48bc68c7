"""E-mail through any SMTP server: one recipient a message, and one click to leave (RFC 8058)."""

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import formataddr, formatdate
from typing import Any
from urllib.parse import unquote, urlsplit

from messaging.clock import Instant
from messaging.links import Links
from messaging.senders.base import Accepted, OutboundMessage, Outcome, ProviderRecord, Rejected, Unknown
from messaging.senders.deadlines import CALL_SECONDS, Deadlines, end_with_call
from messaging.senders.last_look import look_again
from messaging.senders.mail_headers import check_mail, leave_headers
from messaging.settings import is_loopback

TIMEOUT_SECONDS = 15  # of one step; the whole of a call has its own end
LEAVE_HEADER = "List-Unsubscribe"
GREETING = 30.0  # seconds at most that a server's handshake adds to the time in which a mail has to leave
TRIES = 8


@dataclass(frozen=True)
class Mailbox:
    """Where our mail goes out, and whom it comes from."""

    address: str = field(repr=False)  # smtp://user:password@host:587 or smtps://host
    mail_from: str
    company_name: str


class _Addresses(UnstructuredHeader, BaseHeader):
    """Addresses in angle brackets (RFC 2369), folded between them only.

    Python folds a text that is longer than its line by encoding it, and no mailbox finds a link in an encoded word.
    """

    def fold(self, *, policy: "Policy[Any]") -> str:
        """Write the header, each address whole on a line of its own."""
        return f"{self.name}: {self.replace('>, <', f'>,{policy.linesep} <')}{policy.linesep}"


def _policy() -> "EmailPolicy[Any]":
    headers = HeaderRegistry()
    headers.map_to_type(LEAVE_HEADER, _Addresses)
    return SMTP.clone(header_factory=headers)


class _Server(smtplib.SMTP):
    """A mail server that is handed the text of a mail only after a last look: before, it takes nothing.

    Its connection ends with the time of the call.
    """

    _began: Instant | None = None

    @contextmanager
    def looking(self, began: Instant) -> Iterator[None]:
        """Look before whatever is sent in this block; `began` is when we began to connect for it."""
        self._began = began
        try:
            yield
        finally:
            self._began = None

    def send(self, s: Any) -> None:
        """Send what the library wants to send."""
        if self._began is not None:
            look_again(allowing=min(self._began.seconds_ago(), GREETING))
        super().send(s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        end_with_call(made)
        return made


class _SecureServer(_Server, smtplib.SMTP_SSL):
    """The same, encrypted from its first byte."""


class SmtpSender:
    """Sends e-mail. Every outcome is a value: what a server or a network may do raises nothing."""

    provider = "smtp"
    can_find = False  # a mail server keeps no list that we may look into

    def __init__(self, mailbox: Mailbox, links: Links, *, call_seconds: float = CALL_SECONDS) -> None:
        self._mailbox = mailbox
        self._links = links
        self._deadlines = Deadlines(call_seconds)

    def send(self, message: OutboundMessage) -> Outcome:
        """Hand one message to the mail server, on a connection of its own."""
        try:
            mail = self.compose(message)
        except (ValueError, MessageError) as error:
            return Rejected("fix", f"The message cannot be an e-mail: {error}")
        with self._deadlines.ending():
            return self._call(message, mail)

    def _call(self, message: OutboundMessage, mail: EmailMessage) -> Outcome:
        began = Instant.now()
        server = self._reached()
        if isinstance(server, Rejected):
            return server
        try:
            return self._hand_over(server, message, mail, began)
        finally:
            server.close()

    def try_out(self) -> Rejected | None:
        """Connect and sign in as for a message, and hand over none; say what would keep one from going."""
        with self._deadlines.ending():
            server = self._reached()
            if isinstance(server, Rejected):
                return server
            try:
                _say_goodbye(server)
            finally:
                server.close()
        return None

    def _reached(self) -> "_Server | Rejected":
        try:
            return self._connect()
        except smtplib.SMTPAuthenticationError as error:
            told = "The mail server refused our credentials. Check RAPPORT_SMTP_URL."
            return Rejected("fix", told, code=error.smtp_code, about="us")
        except smtplib.SMTPNotSupportedError:
            told = "The mail server offers no encryption. Use smtps:// in RAPPORT_SMTP_URL."
            return Rejected("fix", told, about="us")
        except (smtplib.SMTPException, OSError):
            return Rejected("retry", "The mail server could not be reached.", about="network")

    def find(self, message: OutboundMessage, since: datetime) -> Sequence[ProviderRecord]:  # noqa: ARG002
        """Find nothing: a mail server keeps no list."""
        return []

    def compose(self, message: OutboundMessage) -> EmailMessage:
        """Build the e-mail. Raises ValueError for a second recipient or a line break in a header."""
        check_mail(message)
        mail = EmailMessage(policy=_policy())
        mail["From"] = formataddr((self._mailbox.company_name, self._mailbox.mail_from))
        mail["To"] = message.to
        mail["Subject"] = message.subject
        mail["Date"] = formatdate(usegmt=True)
        mail["Message-ID"] = f"<{self._sid(message)}>"
        for name, value in leave_headers(message, self._links).items():
            mail[name] = value
        mail.set_content(message.body)
        if message.html:
            mail.add_alternative(message.html, subtype="html")
        return mail

    def _sid(self, message: OutboundMessage) -> str:
        return f"{message.message_id}@{self._domain}"

    @property
    def _domain(self) -> str:
        return self._mailbox.mail_from.rpartition("@")[2]

    def _connect(self) -> "_Server":
        parts = urlsplit(self._mailbox.address)
        host = parts.hostname or ""
        # We greet with our own domain: the library would ask the resolver for this machine's name each time.
        options: dict[str, Any] = {"local_hostname": self._domain, "timeout": TIMEOUT_SECONDS}
        server: _Server
        if parts.scheme == "smtps":
            context = ssl.create_default_context()
            server = _SecureServer(host, parts.port or 465, context=context, **options)
        else:
            server = _Server(host, parts.port or 25, **options)
        try:
            if parts.scheme == "smtp" and not is_loopback(host):
                server.starttls(
                    context=ssl.create_default_context()
                )  # mail to a stranger never goes in the clear
                if server.sock is not None:  # another one from here on
                    end_with_call(server.sock)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.ehlo_or_helo_if_needed()
        except BaseException:
            server.close()
            raise
        return server

    def _hand_over(  # noqa: PLR0911 - one return for each way in which SMTP can end
        self, server: "_Server", message: OutboundMessage, mail: EmailMessage, began: Instant
    ) -> Outcome:
        try:
            code, _ = server.mail(self._mailbox.mail_from)
            if code != 250:
                return _refused_sender(code)
            code, said = server.rcpt(message.to)
            if code not in {250, 251}:
                return _refused(code, about_recipient=_means_the_mailbox(said))
        except (smtplib.SMTPException, OSError):
            return Rejected("retry", "The mail server hung up before it took the message.", attempts=TRIES)
        try:
            with server.looking(began):
                code, _ = server.data(mail.as_bytes())
        except smtplib.SMTPDataError as error:  # it refused before one line of the message had gone
            return _refused(error.smtp_code, about_recipient=False)
        except (smtplib.SMTPException, OSError):
            return Unknown("The mail server hung up while it took the message.")
        if not _is_answer(code):  # such as the first digit of one that broke off
            return Unknown("The mail server's answer to the message could not be read.", code=code)
        if code != 250:
            return _refused(code, about_recipient=False)
        _say_goodbye(server)
        return Accepted(self._sid(message), "sent")


def _say_goodbye(server: smtplib.SMTP) -> None:
    try:
        server.quit()
    except (smtplib.SMTPException, OSError):
        return  # it has the message: how it hangs up changes nothing


# RFC 5321, 4.2.2: mailbox unavailable, user not local, mailbox name not allowed
_NO_SUCH_MAILBOX = {550, 551, 553}
# RFC 3463: 5.1.x is about the address, 5.2.1 a mailbox that is shut. A 5.7.x (policy), or a server that will not
# relay for us, says nothing of the recipient: taken for it, one wrong setting would block every address for good.
_STATUS = re.compile(rb"\b5\.(\d{1,3})\.(\d{1,3})\b")
_ABOUT_US = re.compile(rb"relay|polic|authenticat|denied|blocked|spam|blacklist|reputation", re.IGNORECASE)


def _means_the_mailbox(said: bytes) -> bool:
    """Say whether a refusal of a recipient is about the mailbox, and not about us or what we may do."""
    status = _STATUS.search(said)
    if status:
        return status[1] == b"1" or (status[1], status[2]) == (b"2", b"1")
    return not _ABOUT_US.search(said)


def _is_answer(code: int) -> bool:
    """Say whether a code is one of SMTP's: the library makes a number of what was cut off as well."""
    return 200 <= code < 600


def _refused_sender(code: int) -> Rejected:
    """Judge an answer to MAIL FROM, before the server has heard of any recipient."""
    refused = _refused(code, about_recipient=False)
    if refused.kind == "retry":
        return refused
    told = f"The mail server does not let us send from our address ({code}). Check RAPPORT_MAIL_FROM."
    return Rejected("fix", told, code=code, about="us")


def _refused(code: int, *, about_recipient: bool) -> Rejected:
    if not _is_answer(code):
        return Rejected("retry", "The mail server's answer could not be read.", attempts=TRIES)
    if 400 <= code < 500:
        told = f"The mail server asks us to try again later ({code})."
        return Rejected("retry", told, code=code, attempts=TRIES)
    if about_recipient and code in _NO_SUCH_MAILBOX:
        return Rejected("stop", f"The mail server says that there is no such mailbox ({code}).", code=code)
    return Rejected("fix", f"The mail server refused the message ({code}).", code=code)
