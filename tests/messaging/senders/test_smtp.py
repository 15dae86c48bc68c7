"""The SMTP sender against a real conversation: what it says, and what it makes of every answer."""

import email
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest

from messaging.links import Links, read_links
from messaging.senders import smtp
from messaging.senders.base import Accepted, OutboundMessage, Rejected, Unknown
from messaging.senders.smtp import Mailbox, SmtpSender
from messaging.settings import Settings
from messaging.store.ids import new_id

MESSAGE_ID = new_id("msg")
MESSAGE = OutboundMessage(
    MESSAGE_ID, "email", "ada@example.com", "Hello Ada, grüße!\n", "Für Sie", "<p>Hello <b>Ada</b></p>"
)


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks SMTP as it is told: `answers` maps a verb (or "." for a message's end) to a line, or to ""."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.answers: dict[str, str] = {}
        self.heard: list[str] = []
        self.mails: list[EmailMessage] = []
        self.url = f"smtp://127.0.0.1:{self.server_address[1]}"


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        if not self._say("hello", "220 ready"):
            return
        while line := self.rfile.readline().decode().strip():
            self.server.heard.append(line)
            verb = line.split()[0].upper()
            plain = {"DATA": "354 go on", "QUIT": "221 bye", "EHLO": "250-here\r\n250 8BITMIME"}
            if not self._say(verb, plain.get(verb, "250 fine")) or verb == "QUIT":
                return
            if verb == "DATA" and self.server.answers.get("DATA", "354").startswith("354"):
                lines = iter(self.rfile.readline, b".\r\n")
                raw = b"".join(one.removeprefix(b".") for one in lines)
                mail = email.message_from_bytes(raw, policy=SMTP)
                assert isinstance(mail, EmailMessage)
                self.server.mails.append(mail)
                if not self._say(".", "250 taken"):
                    return

    def _say(self, verb: str, plain: str) -> bool:
        answer = self.server.answers.get(verb, plain)
        if answer:
            self.wfile.write(f"{answer}\r\n".encode())
        return bool(answer)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def links(settings: Settings) -> Links:
    return read_links(settings)


@pytest.fixture
def sender(server: MailServer, links: Links) -> SmtpSender:
    return SmtpSender(Mailbox(server.url, "hello@shop.example", "Härbour & Pine"), links)


def test_an_email_arrives_as_plain_text_and_html_from_us_to_one_person(
    sender: SmtpSender, server: MailServer
) -> None:
    assert sender.send(MESSAGE) == Accepted(f"{MESSAGE_ID}@shop.example", "sent")
    (mail,) = server.mails
    assert mail["To"] == "ada@example.com"
    assert mail["From"].addresses[0].addr_spec == "hello@shop.example"
    assert mail["From"].addresses[0].display_name == "Härbour & Pine"
    assert mail["Subject"] == "Für Sie"
    assert mail["Message-ID"] == f"<{MESSAGE_ID}@shop.example>"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().strip() == "Hello Ada, grüße!"
    assert html.get_content().strip() == "<p>Hello <b>Ada</b></p>"
    assert server.heard[1:3] == ["mail FROM:<hello@shop.example>", "rcpt TO:<ada@example.com>"]


@pytest.mark.parametrize(
    "public_url", ["https://h", "https://hooks.a-company-with-a-long-name.example.com/of/ours"]
)
def test_the_link_to_leave_stands_in_its_header_as_it_is_read(
    sender: SmtpSender, links: Links, public_url: str
) -> None:
    told = replace(links, public_url=public_url)
    raw = SmtpSender(sender._mailbox, told).compose(MESSAGE).as_bytes()
    (line,) = [line for line in raw.split(b"\r\n") if line.startswith(b"List-Unsubscribe:")]
    assert line.decode() == f"List-Unsubscribe: <{told.unsubscribe(MESSAGE_ID)}>"


def test_one_click_ends_marketing(sender: SmtpSender, server: MailServer, links: Links) -> None:
    sender.send(MESSAGE)
    (mail,) = server.mails
    assert mail["List-Unsubscribe"] == f"<{links.unsubscribe(MESSAGE_ID)}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_receipt_carries_no_unsubscribe_link(sender: SmtpSender, server: MailServer) -> None:
    receipt = OutboundMessage("msg_2", "email", "ada@example.com", "Paid.", "Receipt", None, "transactional")
    sender.send(receipt)
    (mail,) = server.mails
    assert mail["List-Unsubscribe"] is None
    assert mail.get_content_type() == "text/plain"


@pytest.mark.parametrize(
    ("to", "subject"),
    [
        ("ada@example.com, eve@example.com", "Hello"),
        ('"x" <ada@example.com>', "Hello"),
        ("ada@example.com\r\nBcc: eve@example.com", "Hello"),
        ("ada@example.com", "Hello\r\nBcc: eve@example.com"),
        ("ada@example.com", "Hello\nthere"),
        ("ada@example.com", "Hello\u2028there"),
        ("ada@example.com", ""),
        ("ada@example.com", None),
    ],
)
def test_a_second_recipient_or_a_line_in_a_header_never_leaves_us(
    sender: SmtpSender, server: MailServer, to: str, subject: str | None
) -> None:
    outcome = sender.send(OutboundMessage(MESSAGE_ID, "email", to, "Hello", subject))
    assert isinstance(outcome, Rejected)
    assert outcome.kind == "fix"
    assert "example.com" not in outcome.sentence
    assert server.heard == []


@pytest.mark.parametrize(
    ("verb", "answer", "kind"),
    [
        ("hello", "421 busy", "retry"),
        ("mail", "421 busy", "retry"),
        ("mail", "550 not you", "fix"),
        ("rcpt", "450 try later", "retry"),
        ("rcpt", "550 no such mailbox", "stop"),
        ("rcpt", "550 5.1.1 unknown user", "stop"),
        ("rcpt", "550 5.2.1 mailbox disabled", "stop"),
        ("rcpt", "550 5.7.1 Unable to relay", "fix"),
        ("rcpt", "550 5.7.1 you are on a list of bad senders", "fix"),
        ("rcpt", "550 relay not permitted", "fix"),
        ("rcpt", "553 sorry, that domain isn't in my list of allowed relay hosts", "fix"),
        ("rcpt", "554 no", "fix"),
        ("data", "451 not now", "retry"),
        ("data", "554 no", "fix"),
        (".", "452 full", "retry"),
        (".", "554 spam", "fix"),
    ],
)
def test_every_refusal_is_surely_not_sent_and_has_its_kind(
    sender: SmtpSender, server: MailServer, verb: str, answer: str, kind: str
) -> None:
    server.answers = {verb if verb in {"hello", "."} else verb.upper(): answer}
    outcome = sender.send(MESSAGE)
    assert isinstance(outcome, Rejected)
    assert (outcome.kind, outcome.code) == (kind, None if verb == "hello" else int(answer[:3]))
    abouts = {"hello": "network", "mail": "us" if kind == "fix" else "message"}
    assert outcome.about == abouts.get(verb, "message")
    assert outcome.attempts == (8 if kind == "retry" and outcome.about == "message" else 1)


@pytest.mark.parametrize("verb", ["hello", "EHLO", "MAIL", "RCPT"])
def test_a_server_that_hangs_up_before_the_message_surely_has_it_not(
    sender: SmtpSender, server: MailServer, verb: str
) -> None:
    server.answers = {verb: ""} | ({"HELO": ""} if verb == "EHLO" else {})
    outcome = sender.send(MESSAGE)
    assert isinstance(outcome, Rejected)
    assert outcome.kind == "retry"


def test_a_server_that_hangs_up_after_the_message_may_have_it(sender: SmtpSender, server: MailServer) -> None:
    server.answers = {".": ""}
    assert isinstance(sender.send(MESSAGE), Unknown)


def test_a_server_that_hangs_up_instead_of_saying_goodbye_has_the_message(
    sender: SmtpSender, server: MailServer
) -> None:
    server.answers = {"QUIT": ""}
    assert isinstance(sender.send(MESSAGE), Accepted)


def test_a_server_that_is_not_there_was_surely_not_reached(links: Links) -> None:
    outcome = SmtpSender(Mailbox("smtp://127.0.0.1:1", "hello@shop.example", "Shop"), links).send(MESSAGE)
    assert isinstance(outcome, Rejected)
    assert (outcome.kind, outcome.about) == ("retry", "network")


def test_wrong_credentials_name_their_setting(server: MailServer, links: Links) -> None:
    server.answers = {"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": "535 no"}
    url = server.url.replace("smtp://", "smtp://user:hunter2@")
    outcome = SmtpSender(Mailbox(url, "hello@shop.example", "Shop"), links).send(MESSAGE)
    assert isinstance(outcome, Rejected)
    assert (outcome.kind, outcome.about, outcome.code) == ("fix", "us", 535)
    assert "RAPPORT_SMTP_URL" in outcome.sentence
    assert "hunter2" not in repr(Mailbox(url, "hello@shop.example", "Shop"))


def test_mail_to_another_machine_is_never_sent_in_the_clear(
    sender: SmtpSender, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stranger(_host: str) -> bool:
        return False

    monkeypatch.setattr(smtp, "is_loopback", stranger)
    outcome: Any = sender.send(MESSAGE)
    assert (outcome.kind, outcome.sentence) == (
        "fix",
        "The mail server offers no encryption. Use smtps:// in RAPPORT_SMTP_URL.",
    )
    assert server.mails == []
