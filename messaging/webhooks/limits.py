"""How often somebody may do something: so many times in a sliding window, for each source and, where told, for all."""

import ipaddress
import re
import threading
import time
from collections import OrderedDict, deque

_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?|([0-9.]{7,15}):[0-9]{1,5}", re.ASCII)
MOST_SOURCES = 10_000  # the oldest are forgotten: memory is bounded, whoever knocks


class RateLimit:
    """Counts by source; every method may be called from any thread. Times are seconds."""

    def __init__(self, each: int, together: int | None, seconds: float) -> None:
        self._each = each
        self._together = together
        self._seconds = seconds
        self._by_source: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque()
        self._lock = threading.Lock()

    def allows(self, source: str, now: float | None = None) -> bool:
        """Count one more of a source where it still may, and say whether it does."""
        at = time.monotonic() if now is None else now
        with self._lock:
            mine = self._by_source.setdefault(source, deque())
            self._by_source.move_to_end(source)
            for line in (mine, self._all):
                while line and line[0] <= at - self._seconds:
                    line.popleft()
            if len(mine) >= self._each or (self._together is not None and len(self._all) >= self._together):
                return False
            mine.append(at)
            if self._together is not None:
                self._all.append(at)
            while len(self._by_source) > MOST_SOURCES:
                self._by_source.popitem(last=False)
            return True


def source_of(host: str | None) -> str:
    """Name where a request comes from: an IPv4 address, or the network of an IPv6 one, whose owner has all of it.

    Some proxies write a port behind it, and a listener for both kinds writes IPv4 as IPv6: all of that is one network.
    """
    given = _WITH_PORT.fullmatch(host or "")
    try:
        address = ipaddress.ip_address((given[1] or given[2]) if given else host or "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
