"""The last look before a message leaves us: too long after it was decided upon, not one message is taken."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from data_contracts.errors import TooLateError
from messaging import clock
from messaging.clock import Instant
from messaging.links import Links
from messaging.outbox.queue import LEASE
from messaging.reconcile import GRACE
from messaging.senders import http_adapter, smtp
from messaging.senders.base import OutboundMessage
from messaging.senders.http import CONNECT_SECONDS, READ_SECONDS, OnceHttp
from messaging.senders.last_look import CALL_WITHIN, LastLook, look_again, looking_again
from messaging.senders.smtp import Mailbox, SmtpSender

FORM = {"To": "+442079460000", "Body": "Hello"}


def _ago(seconds: float) -> Instant:
    now = Instant.now()
    return Instant(now.running - seconds, now.wall - seconds)


@pytest.mark.parametrize(("running", "wall"), [(9.0, 0.0), (0.0, 9.0), (0.0, -9.0)])
def test_the_clock_that_says_more_counts_and_one_that_was_set_back_as_well(
    running: float, wall: float
) -> None:
    now = Instant.now()
    assert 8.9 < Instant(now.running - running, now.wall - wall).seconds_ago() < 12


@pytest.mark.skipif(not hasattr(clock.time, "CLOCK_BOOTTIME"), reason="this system has no such clock")
def test_time_in_which_the_machine_sleeps_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other clock stands still then, and the wall clock is put right later or never."""
    began, read = Instant.now(), clock.time.clock_gettime
    slept = {clock.time.CLOCK_BOOTTIME: 60.0}
    monkeypatch.setattr(clock.time, "clock_gettime", lambda which: read(which) + slept.get(which, 0.0))
    assert began.seconds_ago() >= 60


def test_nobody_is_taken_for_dead_who_could_still_call() -> None:
    slowest = CALL_WITHIN + max(
        http_adapter.CONNECTING + CONNECT_SECONDS + READ_SECONDS, smtp.GREETING + smtp.TIMEOUT_SECONDS
    )
    assert timedelta(seconds=slowest) < min(LEASE, GRACE)


def test_what_nobody_decided_upon_may_always_go_and_a_block_ends() -> None:
    look_again()
    with pytest.raises(TooLateError), looking_again(LastLook(_ago(6))):
        look_again()
    look_again()
    with looking_again(LastLook(_ago(6))):
        look_again(allowing=2.0)


@pytest.mark.parametrize("late_at", [1, 2])
def test_a_request_that_is_too_late_is_not_taken(wire: Any, late_at: int) -> None:
    """Before its head, and between its head and its body."""
    http, looks = OnceHttp("127.0.0.1"), []
    look = LastLook(Instant.now(), 0.3, lambda: looks.append(1) or _wait(0.4 if len(looks) == late_at else 0))
    with pytest.raises(TooLateError), looking_again(look):
        http.request("POST", f"{wire.url}/Messages.json", data=FORM)
    assert len(looks) == late_at
    with looking_again(LastLook(Instant.now())):
        assert http.request("POST", f"{wire.url}/Messages.json", data=FORM).status_code == 201
    assert len(wire.accepted) == 1


def test_a_connection_that_stands_gives_no_time_that_it_once_took(
    wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = http_adapter._Looking.__mro__[1].connect

    def slowly(connection: Any) -> None:
        _wait(0.6)
        connect(connection)

    monkeypatch.setattr(http_adapter._Looking.__mro__[1], "connect", slowly)
    http = OnceHttp("127.0.0.1")
    with looking_again(LastLook(Instant.now(), 0.4)):
        assert http.request("POST", f"{wire.url}/Messages.json", data=FORM).status_code == 201
    with pytest.raises(TooLateError), looking_again(LastLook(_ago(0.6), 0.4)):
        http.request("POST", f"{wire.url}/Messages.json", data=FORM)
    assert len(wire.accepted) == 1


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)


@contextmanager
def _mail_server(heard: list[bytes]) -> Iterator[int]:
    """Speak as much SMTP as one mail needs; keep each line that came."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            met, _ = listening.accept()
            with met, met.makefile("rwb") as lines:
                lines.write(b"220 hello\r\n")
                lines.flush()
                in_text = False
                for line in lines:
                    heard.append(line.strip())
                    if in_text and line != b".\r\n":
                        continue
                    in_text = line == b"data\r\n"
                    lines.write(b"354 go on\r\n" if in_text else b"250 fine\r\n")
                    lines.flush()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


@pytest.mark.parametrize("late_at", [1, 2, None])
def test_a_mail_that_is_too_late_is_not_handed_over(
    late_at: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before DATA, between DATA and the text; and one that was taken is never called too late, however slow the end."""
    monkeypatch.setattr(smtp, "GREETING", 0.0)
    heard: list[bytes] = []
    looks: list[int] = []
    message = OutboundMessage("msg_1", "email", "ada@example.com", "Hello Ada", subject="Hello")
    look = LastLook(Instant.now(), 1.0, lambda: looks.append(1) or _wait(1.1 if len(looks) == late_at else 0))
    with _mail_server(heard) as port, looking_again(look):
        mailbox = Mailbox(f"smtp://127.0.0.1:{port}", "shop@example.com", "Shop")
        sender = SmtpSender(mailbox, Links(b"k" * 32, "https://example.com"))
        if late_at is None:
            assert sender.send(message).sid.startswith("msg_1@")  # type: ignore[union-attr]
        else:
            with pytest.raises(TooLateError):
                sender.send(message)
    assert (b"Hello Ada" in heard) == (late_at is None)
    assert (b"data" in heard) == (late_at != 1)
