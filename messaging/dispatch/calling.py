"""One call, by a thread of its own: looked at again, made or not, and never an exception."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import structlog

from data_contracts.errors import TooLateError
from messaging.dispatch.failpoints import Point
from messaging.outbox import Call
from messaging.senders.base import Outcome, Sender, Unknown
from messaging.senders.last_look import LastLook, looking_again

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class NotMade:
    """A call that was committed to and never made: nothing of the message left us."""


def make_call(
    call: Call, senders: Mapping[str, Sender], within: float, die_at: Callable[[Point], None]
) -> Outcome | NotMade:
    """Call the provider, unless it is more than `within` seconds ago that it was decided upon."""
    die_at("before_call")
    look = LastLook(call.decided, within, lambda: die_at("before_bytes"))
    try:
        look.look()
        with looking_again(look):
            outcome = senders[call.message.channel].send(call.message)
    except TooLateError:
        log.warning("dispatch.not_called", attempt_id=call.attempt_id, seconds=call.decided.seconds_ago())
        return NotMade()
    except Exception as error:  # noqa: BLE001 - whatever a sender did, its message may have gone
        log.warning("dispatch.sender_broke", attempt_id=call.attempt_id, error=type(error).__name__)
        outcome = Unknown("Our sender broke off.")
    die_at("after_call")
    return outcome


def made(ended: Iterable[tuple[Call, Outcome | NotMade]]) -> list[tuple[Call, Outcome]]:
    """Choose the calls that were made, of those that ended."""
    return [(call, outcome) for call, outcome in ended if not isinstance(outcome, NotMade)]
