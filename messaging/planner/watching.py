"""A look now and then in a thread of its own, beside a dispatcher: what takes long there holds up no message."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from data_contracts.errors import RapportError

log = structlog.get_logger(__name__)

ENDING_SECONDS = 5.0
TROUBLED = 5.0  # seconds to the next look after one that failed, at least: a log says it often enough


@contextmanager
def watching(name: str, look: Callable[[threading.Event], object], every: float) -> Iterator[None]:
    """Look every so many seconds while the block runs; a look is given what is set when it should end.

    A look that fails is logged by the kind of its error, and the next one goes on from there: the thread lives on.
    """
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            rest = every
            try:
                look(stop)
            except RapportError as error:  # such as a store that is away, or a release that cannot be read
                log.warning("watching.not_looked", what=name, told=error.message)
                rest = max(every, TROUBLED)
            except Exception as error:  # noqa: BLE001 - a fault of ours must not end all later looks; it may quote a customer
                log.error("watching.failed", what=name, error=type(error).__name__)  # noqa: TRY400
                rest = max(every, TROUBLED)
            stop.wait(rest)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(ENDING_SECONDS)
