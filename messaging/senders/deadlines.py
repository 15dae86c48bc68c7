"""The end of a call as a whole: what takes longer than that has its connection taken away.

The time limits of a socket are for one piece each: a server that sends a byte now and then is within all of them for as
long as it likes. A lease and a person both have to know when a call is over. So one thread looks at all calls of a sender,
and shuts the connections of those whose time has passed; whoever waits for a server there goes on at once.
"""

import heapq
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

# Seconds of a whole call. With the seconds from the decision to the call they are less than a lease (outbox/queue.py).
CALL_SECONDS = 45.0


class _OneCall:
    """The connections of one call, until it ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._over = False  # its time has passed
        self._ended = False

    def hold(self, sock: socket.socket) -> None:
        with self._lock:
            if not self._over:
                self._sockets.append(sock)
                return
        _shut(sock)
        raise TimeoutError("The time of this call has passed.")

    def cut(self) -> None:
        with self._lock:  # a call that has ended may have given its connection to the next one
            if not self._ended:
                self._over = True
                for sock in self._sockets:
                    _shut(sock)

    def end(self) -> None:
        with self._lock:
            self._ended = True
            self._sockets.clear()


_of_this_call: ContextVar[_OneCall | None] = ContextVar("call_with_an_end", default=None)


class Deadlines:
    """Ends calls that take longer than so many seconds; its thread starts with the first call."""

    def __init__(self, seconds: float = CALL_SECONDS) -> None:
        self._seconds = seconds
        self._waiting: list[tuple[float, int, _OneCall]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Let what this thread connects to in this block be shut once the time has passed."""
        call = _OneCall()
        token = _of_this_call.set(call)
        self._begin(call)
        try:
            yield
        finally:
            call.end()
            _of_this_call.reset(token)

    def _begin(self, call: _OneCall) -> None:
        with self._changed:
            heapq.heappush(self._waiting, (time.monotonic() + self._seconds, next(self._numbers), call))
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
            elif len(self._waiting) == 1:  # all take equally long: only the first one is news
                self._changed.notify()

    def _watch(self) -> None:
        while True:
            with self._changed:
                while not self._waiting or (rest := self._waiting[0][0] - time.monotonic()) > 0:
                    self._changed.wait(rest if self._waiting else None)
                call = heapq.heappop(self._waiting)[2]
            call.cut()


def end_with_call(sock: socket.socket) -> None:
    """Let a connection be shut when the time of this thread's call has passed; outside of a call it stays.

    Raises TimeoutError where it has passed by now.
    """
    call = _of_this_call.get()
    if call is not None:
        call.hold(sock)


def _shut(sock: socket.socket) -> None:
    """Wake whoever waits for the other side; closing would give its number away while they still use it."""
    with suppress(OSError):  # it is gone already
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # below TLS, whose own farewell would wait
