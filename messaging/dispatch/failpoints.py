"""Points at which tests let a dispatcher die as a power cut would, or stand still as a laptop that is shut.

One that dies flushes, closes and gives back nothing.
"""

import signal
import threading
from collections.abc import Callable
from typing import Literal, get_args

from data_contracts.errors import SettingsError
from messaging.settings import Settings

Point = Literal[
    "after_claim",  # messages are claimed and calls committed to, and none is made yet
    "before_call",  # a thread is about to make a call that was committed to
    "before_bytes",  # it is connected, and about to look whether it is too late for the first byte, or the next
    "after_call",  # a provider has answered, and nobody but this thread knows it
    "before_record",  # calls have ended, and nothing of it is written down
]
POINTS: tuple[str, ...] = get_args(Point)


def dying_at(settings: Settings) -> Callable[[Point], None]:
    """Give what a dispatcher calls at each point: it kills the process at the one that RAPPORT_FAILPOINT names.

    `after_call:3` means the third time; `before_call:1:suspend` stops the process (SIGSTOP) until somebody lets it go
    on, instead of killing it. Raises SettingsError for another point, and in live mode.
    """
    wanted, count, deed, *more = [*settings.failpoint.split(":"), "", ""][
        : max(3, settings.failpoint.count(":") + 1)
    ]
    if not wanted:
        return lambda _: None
    if settings.sending == "live":
        raise SettingsError("RAPPORT_FAILPOINT is for tests, which live mode refuses.", "Unset it.")
    if wanted not in POINTS or not (count or "1").isdecimal() or deed not in {"", "suspend"} or more:
        raise SettingsError(
            f"RAPPORT_FAILPOINT is {settings.failpoint!r}.",
            f"It is one of {', '.join(POINTS)}, with the time it should happen at, such as after_call:3; "
            "after_call:3:suspend stops it instead.",
        )
    left = [int(count or 1)]

    def die_at(point: Point) -> None:
        if point == wanted:
            left[0] -= 1
            if left[0] == 0 or (left[0] < 0 and not deed):
                # To this very thread, which then does not take one more step.
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP if deed else signal.SIGKILL)

    return die_at
