"""A call has one end for the whole of it, however slowly a server answers piece by piece."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from messaging.dispatch.calling import make_call
from messaging.links import read_links
from messaging.outbox import Call
from messaging.outbox.queue import LEASE
from messaging.reconcile import GRACE
from messaging.senders.base import Accepted, OutboundMessage, Rejected, Unknown
from messaging.senders.deadlines import CALL_SECONDS
from messaging.senders.http import OnceHttp
from messaging.senders.last_look import CALL_WITHIN
from messaging.senders.smtp import Mailbox, SmtpSender
from messaging.settings import Settings
from messaging.store.ids import new_id

PIECE = 0.25  # seconds between two pieces of an answer: each comes well within any time limit of its own
MESSAGE = OutboundMessage(new_id("msg"), "email", "ada@example.com", "Hello", "For you")
SAY = {b"DATA": b"354 go on", b"QUIT": b"221 bye"}


@contextmanager
def served(talk: "Talk") -> Iterator[int]:
    """Let somebody talk on each connection to a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            try:
                talk(listening.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]


class Talk:
    """Answers byte by byte; `taken` are the texts that it got whole."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.hung_up = threading.Event()

    def __call__(self, connection: socket.socket) -> None:
        """Talk until the other side hangs up."""
        try:
            with connection:
                self.talk(connection)
        finally:
            self.hung_up.set()

    def talk(self, connection: socket.socket) -> None:
        """Say what this one says."""
        raise NotImplementedError

    @staticmethod
    def drip(connection: socket.socket, words: bytes) -> None:
        """Say words byte by byte."""
        for byte in words:
            time.sleep(PIECE)
            connection.sendall(bytes([byte]))


class SlowMail(Talk):
    """A mail server that is slow before the text of a mail, or only once it has it."""

    def __init__(self, *, once_taken: bool) -> None:
        super().__init__()
        self.once_taken = once_taken

    def talk(self, connection: socket.socket) -> None:
        """Take mails."""
        say = connection.sendall if self.once_taken else lambda words: self.drip(connection, words)
        say(b"220 ready\r\n")
        heard = connection.makefile("rb")
        while line := heard.readline():
            verb = line.split()[0].upper()
            say(SAY.get(verb, b"250 fine") + b"\r\n")
            if verb == b"DATA":
                self.taken.append(b"".join(iter(heard.readline, b".\r\n")))
                self.drip(connection, b"250 taken, at long last, and queued as 1\r\n")


class SlowApi(Talk):
    """An API that takes a request at once, and answers slowly."""

    def talk(self, connection: socket.socket) -> None:
        """Take a request."""
        connection.recv(65_536)
        self.drip(connection, b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}")


def _mailer(port: int, settings: Settings, seconds: float) -> SmtpSender:
    mailbox = Mailbox(f"smtp://127.0.0.1:{port}", "us@example.com", "Acme")
    return SmtpSender(mailbox, read_links(settings), call_seconds=seconds)


def test_a_mail_server_that_drips_its_answers_is_left_before_it_has_the_text(settings: Settings) -> None:
    talk, began = SlowMail(once_taken=False), time.monotonic()
    with served(talk) as port:
        outcome = _mailer(port, settings, 0.6).send(MESSAGE)
    assert isinstance(outcome, Rejected)
    assert outcome.kind == "retry"
    assert time.monotonic() - began < 1.5
    assert talk.hung_up.wait(3)
    assert not talk.taken


def test_of_a_mail_whose_receipt_drips_nobody_knows(settings: Settings) -> None:
    talk, began = SlowMail(once_taken=True), time.monotonic()
    with served(talk) as port:
        outcome = _mailer(port, settings, 0.6).send(MESSAGE)
    assert isinstance(outcome, Unknown)
    assert time.monotonic() - began < 1.5
    assert talk.hung_up.wait(3)
    assert len(talk.taken) == 1


@pytest.mark.parametrize("content", [{"data": {"Body": "Hello"}}, {"json": {"body": "Hello"}}])
def test_an_answer_over_http_that_drips_is_not_waited_for(content: dict[str, dict[str, str]]) -> None:
    talk, began = SlowApi(), time.monotonic()
    with served(talk) as port, pytest.raises(requests.RequestException):
        OnceHttp("127.0.0.1", call_seconds=0.6).request("POST", f"http://127.0.0.1:{port}/", **content)
    assert time.monotonic() - began < 1.5
    assert talk.hung_up.wait(3)


def test_a_call_that_ends_in_time_is_left_alone_afterwards(settings: Settings) -> None:
    talk = SlowMail(once_taken=True)
    talk.drip = lambda connection, words: connection.sendall(words)  # type: ignore[method-assign]
    with served(talk) as port:
        sender = _mailer(port, settings, 0.6)
        outcome = make_call(Call("att_1", 1, MESSAGE), {"email": sender}, CALL_WITHIN, lambda _: None)
        time.sleep(0.8)
    assert isinstance(outcome, Accepted)


def test_a_call_has_ended_before_its_lease_may_be_taken_over_or_a_person_may_say_that_it_did_not_go() -> None:
    assert CALL_WITHIN + CALL_SECONDS < LEASE.total_seconds() <= GRACE.total_seconds()
