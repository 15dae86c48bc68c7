"""Whether a campaign does harm: so many of its messages came back, were reported or lost their readers that it is no chance.

Pure functions of counts. A share is told only by the lower end of its interval (E. B. Wilson, Probable inference, the law
of succession, and statistical inference, JASA 22, 1927), one-sided at 95 %: what may be bad luck wakes nobody.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from messaging.deliverability.file import WHATS, Tolerance, What

ONE_SIDED_95 = 1.6449  # the normal distribution's quantile
WORDS: Mapping[What, str] = {
    "bounced": "came back, as nobody is at their address",
    "complained": "were reported as spam",
    "opted_out": "made their readers opt out",
}
CHANNELS = {
    "email": "e-mails",
    "sms": "text messages",
    "whatsapp": "WhatsApp messages",
    "voice": "calls",
    "chat": "chats",
}


@dataclass(frozen=True)
class Counts:
    """What became of the marketing of one run by one channel, of which a provider has answered `answered`."""

    channel: str
    answered: int
    bounced: int = 0
    complained: int = 0
    opted_out: int = 0


@dataclass(frozen=True)
class Harm:
    """Why a run is paused by itself."""

    channel: str
    what: What
    messages: int
    answered: int
    tolerated: float

    @property
    def sentence(self) -> str:
        """Tell it to a marketer."""
        share = 100 * self.messages / self.answered
        return (
            f"{self.messages:,} of {self.answered:,} {CHANNELS[self.channel]} ({share:.1f} %) {WORDS[self.what]};"
            f" more than {100 * self.tolerated:g} % is not tolerated."
        )


def judge(found: Iterable[Counts], tolerance: Tolerance) -> Harm | None:
    """Give the worst harm that is no chance any more, by how many times over what is tolerated it lies; None for none."""
    harms = [
        harm
        for counts in found
        if counts.answered >= tolerance.at_least
        for harm in _harms(counts, tolerance)
    ]
    return max(harms, key=lambda each: each.messages / each.answered / each.tolerated, default=None)


def _harms(counts: Counts, tolerance: Tolerance) -> Iterable[Harm]:
    shares = tolerance.shares.get(counts.channel, {})
    for what in WHATS:
        number = getattr(counts, what)
        if what in shares and at_least_share(number, counts.answered) > shares[what]:
            yield Harm(counts.channel, what, number, counts.answered, shares[what])


def at_least_share(some: int, of: int) -> float:
    """Give the share that there is at the least, at 95 %: the lower end of Wilson's interval."""
    if not some:
        return 0.0
    share, z = some / of, ONE_SIDED_95
    middle = share + z * z / (2 * of)
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, (middle - half) / (1 + z * z / of))
