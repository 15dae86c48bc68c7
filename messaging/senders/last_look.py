"""The last look before a message leaves us, at how long ago it was decided that it may.

A process may stand still at any moment: a laptop sleeps, a machine is moved, somebody stops it. What allowed a call may
hold no more when it goes on: a STOP came, the night, or somebody has taken the message over. So whoever sends looks
again right before the bytes that a provider needs to take the message, and rather does not send them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from data_contracts.errors import TooLateError
from messaging.clock import Instant

CALL_WITHIN = (
    5.0  # seconds from the decision to the call: a commit and a thread that wakes up take milliseconds
)
CONNECTING = 10.0  # seconds at most that connecting by HTTP adds to them: two addresses in vain


@dataclass(frozen=True)
class LastLook:
    """When one call was decided upon, and within how many seconds it has to leave us.

    `met` is called before each look: there a test lets the process stand still.
    """

    decided: Instant
    within: float = CALL_WITHIN
    met: Callable[[], None] = lambda: None

    def look(self, allowing: float = 0.0) -> None:
        """Raise TooLateError where the call was decided upon too long ago; `allowing` are seconds on top."""
        if self.decided.seconds_ago() > self.within + allowing:
            raise TooLateError(
                f"A call was decided upon more than {self.within:g} seconds ago, so it is not made.",
                "Nothing is to be done: it is decided upon again.",
            )


_of_this_call: ContextVar[LastLook | None] = ContextVar("last_look", default=None)


@contextmanager
def looking_again(look: LastLook) -> Iterator[None]:
    """Let what is sent in this block, by this thread, look again before it leaves us."""
    token = _of_this_call.set(look)
    try:
        yield
    finally:
        _of_this_call.reset(token)


def look_again(allowing: float = 0.0) -> None:
    """Look whether this thread's call may still be made; `allowing` are the seconds that connecting took.

    Call it right before the bytes leave. Raises TooLateError where it is too late; what nobody decided upon in an
    outbox, such as a test of a sender, may always go.
    """
    look = _of_this_call.get()
    if look is not None:
        look.met()
        look.look(allowing)
