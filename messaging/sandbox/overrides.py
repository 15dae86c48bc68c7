"""Connection overrides: what an address asks of Twilio behind its `#`, such as `#rc=5&rp=all`.

Twilio reads them and neither requests nor signs them. See twilio.com/docs/usage/webhooks/webhooks-connection-overrides.
"""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

POLICIES = frozenset({"4xx", "5xx", "ct", "rt"})  # ct: no connection came about; rt: no answer in time
MOST_RETRIES = 5


@dataclass(frozen=True)
class Overrides:
    """How one webhook is posted; times are seconds, and `total` is for all tries together. The defaults are Twilio's."""

    retries: int = 1
    policy: frozenset[str] = frozenset({"ct"})
    connect: float = 5.0
    read: float = 15.0
    total: float = 15.0


def overrides_of(url: str) -> Overrides:
    """Read an address's overrides; what is out of bounds stays as usual, and so do an edge and SNI, which we have not."""
    given = {name: values[-1] for name, values in parse_qs(urlsplit(url).fragment).items()}
    usual = Overrides()
    retries = _number(given.get("rc"), 0, MOST_RETRIES)
    return Overrides(
        usual.retries if retries is None else retries,
        _policy(given.get("rp", "")) or usual.policy,
        _seconds(given.get("ct"), 10_000, usual.connect),
        _seconds(given.get("rt"), 15_000, usual.read),
        _seconds(given.get("tt"), 15_000, usual.total),
    )


def _policy(words: str) -> frozenset[str]:
    asked = {word.strip().lower() for word in words.split(",")}
    return POLICIES if "all" in asked else POLICIES & asked


def _seconds(milliseconds: str | None, most: int, usual: float) -> float:
    number = _number(milliseconds, 100, most)
    return usual if number is None else number / 1000


def _number(words: str | None, least: int, most: int) -> int | None:
    if words is None or not (words.isascii() and words.isdecimal()):
        return None
    return number if least <= (number := int(words)) <= most else None
