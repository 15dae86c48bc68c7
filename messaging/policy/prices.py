"""What a message costs, by a company's own price list, in millionths of its currency."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

MILLION = 1_000_000
SPOKEN_A_MINUTE = 900  # characters that a voice says; a call says its message twice


@dataclass(frozen=True)
class Price:
    """The price of a unit (a segment, a begun minute, a message), and another by country (ISO 3166) where it differs."""

    each: int
    by_country: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Prices:
    """A price list: of each channel that has one."""

    currency: str = ""
    channels: Mapping[str, Price] = field(default_factory=dict)

    def cost(self, channel: str, country: str | None, segments: int | None, characters: int) -> int:
        """Give what a message costs: SMS by segment, calls by the minute, all others each."""
        price = self.channels.get(channel)
        if price is None:
            return 0
        units = {"sms": max(segments or 1, 1), "voice": minutes(characters)}.get(channel, 1)
        return units * price.by_country.get(country or "", price.each)


def minutes(characters: int) -> int:
    """Give how many minutes of a call are paid for: begun ones, of a text that is said twice."""
    return max(1, math.ceil(2 * characters / SPOKEN_A_MINUTE))
