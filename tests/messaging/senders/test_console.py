"""The console: a message in one piece, and nothing that a terminal would obey."""

import io

from messaging.senders.base import Accepted, OutboundMessage
from messaging.senders.console import ConsoleSender


def test_a_message_is_printed_with_whom_it_is_for() -> None:
    out = io.StringIO()
    message = OutboundMessage("msg_1", "email", "ada@example.com", "Hello Ada\nBye", "For you")
    assert ConsoleSender(out).send(message) == Accepted("msg_1", "delivered")
    assert out.getvalue() == "email to ada@example.com · For you\n  Hello Ada\n  Bye\n"


def test_a_terminal_is_told_nothing_by_a_message() -> None:
    out = io.StringIO()
    ConsoleSender(out).send(OutboundMessage("msg_1", "sms", "+442079460000", "a\x1b[2Jb\x07\r\u202ec"))
    assert out.getvalue() == "sms to +442079460000\n  a[2Jbc\n"
