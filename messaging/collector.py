"""Python's collector of garbage, told to look less often while very many short-lived objects are made.

By default it looks after every 700 new objects, and now and then at all there are. A plan makes millions that end by
themselves, in a process that holds what is known of a million people: to look for cycles among them took 16 % of the
time of a plan (2026-11-24).
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = (50_000, 20, 100)

_LOCK = threading.Lock()
_before: list[
    tuple[int, int, int]
] = []  # what held before each of those who are at it, the first of them first


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Collect seldom within; several threads may be at it, and the last to leave brings back what was before the first."""
    with _LOCK:
        _before.append(gc.get_threshold())
        gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        with _LOCK:
            first = _before[0]
            _before.pop()
            if not _before:
                gc.set_threshold(*first)
