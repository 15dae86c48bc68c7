"""Points at which tests let a dispatcher die as a power cut would: nothing is flushed, closed or given back."""

import os
import signal
from collections.abc import Callable
from typing import Literal, get_args

from data_contracts.errors import SettingsError
from messaging.settings import Settings

Point = Literal[
    "after_claim",  # messages are claimed and calls committed to, and none is made yet
    "after_call",  # a provider has answered, and nobody but this thread knows it
    "before_record",  # calls have ended, and nothing of it is written down
]
POINTS: tuple[str, ...] = get_args(Point)


def dying_at(settings: Settings) -> Callable[[Point], None]:
    """Give what a dispatcher calls at each point: it kills the process at the one that RAPPORT_FAILPOINT names.

    `after_call:3` means the third time. Raises SettingsError for another point, and in live mode.
    """
    wanted, _, count = settings.failpoint.partition(":")
    if not wanted:
        return lambda _: None
    if settings.sending == "live":
        raise SettingsError("RAPPORT_FAILPOINT is for tests, which live mode refuses.", "Unset it.")
    if wanted not in POINTS or not (count or "1").isdecimal():
        raise SettingsError(
            f"RAPPORT_FAILPOINT is {settings.failpoint!r}.",
            f"It is one of {', '.join(POINTS)}, with the time it should happen at, such as after_call:3.",
        )
    left = [int(count or 1)]

    def die_at(point: Point) -> None:
        if point == wanted:
            left[0] -= 1
            if left[0] <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return die_at
