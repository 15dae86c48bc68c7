"""Phone numbers out of the reserved blocks, and the many ways in which people write them."""

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.samples.arrays import Flags, Ints, Strings, choose, digits, join
from pipelines.samples.places import COUNTRIES, DIAL_DIGITS, PLACES

# 01632 is the area code that Ofcom leaves without a town: a bigger world than the reserved blocks can number
# goes on there. libphonenumber calls those numbers invalid, which keeps them from ever being sent to.
OVERFLOW_FIRST = 441632_000000
OVERFLOW_SIZE = 1_000_000
STEP = 7919  # a prime that divides no block's size: neighbours in the data are not neighbours in the block


@cache
def block_of(place: int) -> Ints:
    """List the reserved numbers of a place, in the order they are handed out."""
    numbers = [np.arange(first, first + size) for first, size in PLACES[place].blocks]
    every = np.concatenate(numbers) if numbers else np.zeros(0, dtype=np.int64)
    return every[(np.arange(len(every)) * STEP) % max(len(every), 1)] if len(every) else every


def hand_out(place: Ints, rank: Ints, person: Ints) -> Ints:
    """Give each person the `rank`-th number of their place, an overflow number, or 0 where none exist."""
    numbers = np.zeros(len(place), dtype=np.int64)
    for index in np.unique(place):
        rows = np.flatnonzero(place == index)
        block = block_of(int(index))
        if not len(block):
            continue
        inside = rank[rows] < len(block)
        numbers[rows] = OVERFLOW_FIRST + person[rows] % OVERFLOW_SIZE
        numbers[rows[inside]] = block[rank[rows[inside]]]
    return numbers


def overflown(numbers: Ints) -> Flags:
    """Mark numbers that lie beyond the reserved blocks."""
    return (numbers >= OVERFLOW_FIRST) & (numbers < OVERFLOW_FIRST + OVERFLOW_SIZE)


def e164(numbers: Ints) -> Strings:
    """Write numbers as +442079460000; 0 is NULL."""
    return pc.if_else(pa.array(numbers > 0), join("+", digits(numbers)), pa.scalar(None, pa.string()))


def as_people_write(phones: Strings, country: Ints, style: Ints) -> Strings:
    """Write E.164 numbers by `style`: 0 as they are, 1 spaced, 2 with 00, 3 dashed, 4 national."""
    dial = np.asarray([DIAL_DIGITS[name] for name in COUNTRIES])[country]
    written = phones
    for width in (1, 2, 3):
        code = pc.utf8_slice_codeunits(phones, 1, 1 + width)
        rest = pc.utf8_slice_codeunits(phones, 1 + width)
        middle, end = pc.utf8_slice_codeunits(rest, 0, 3), pc.utf8_slice_codeunits(rest, 3)
        ways = {
            1: join("+", code, " ", middle, " ", end),
            2: join("00", code, rest),
            3: join("+", code, "-", middle, "-", end),
            4: join(rest) if width == 1 else join("0", rest),
        }
        for number, way in ways.items():
            written = choose((dial == width) & (style == number), way, written)
    return written
