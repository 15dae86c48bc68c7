"""Columns of a world: numpy for numbers and times, Arrow for text; and seeded randomness by name.

Everything here works on whole columns, because a world may have ten million rows.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Times: TypeAlias = NDArray[np.datetime64]  # microseconds, naive UTC
Durations: TypeAlias = NDArray[np.timedelta64]
Strings: TypeAlias = pa.Array  # of pa.string()
Random: TypeAlias = np.random.Generator

DAY = np.timedelta64(86_400_000_000, "us")


@dataclass(frozen=True)
class Streams:
    """Independent sources of chance by name, so that a new kind of noise does not move the old ones."""

    seed: int
    first: int

    def __call__(self, name: str) -> Random:
        """Give the stream of that name for this seed and this first person."""
        return np.random.default_rng([self.seed, self.first, zlib.crc32(name.encode())])


def pick(words: Sequence[str | None], index: Ints) -> Strings:
    """Look each index up in a list of words."""
    return pa.array(words, pa.string()).take(pa.array(index))


def take(strings: Strings, index: Ints) -> Strings:
    """Look each index up in a column of text."""
    return strings.take(pa.array(index))


def blank(strings: Strings, where: Flags) -> Strings:
    """Empty (NULL) the rows that `where` marks."""
    return pc.if_else(pa.array(where), pa.scalar(None, pa.string()), strings)


def choose(where: Flags, yes: Strings | str, no: Strings | str) -> Strings:
    """Take `yes` where marked, `no` elsewhere."""
    return pc.if_else(pa.array(where), yes, no)


def join(*parts: Strings | str) -> Strings:
    """Join columns and constants row by row; a row with a NULL part is NULL."""
    return pc.binary_join_element_wise(*parts, "")


def digits(numbers: Ints, width: int = 0) -> Strings:
    """Write whole numbers as text, padded with zeros to `width`."""
    text = pa.array(numbers).cast(pa.string())
    return pc.utf8_lpad(text, width=width, padding="0") if width else text


def present(strings: Strings) -> Flags:
    """Mark the rows that are not NULL."""
    return np.asarray(strings.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)


def chance(rng: Random, count: int, share: float) -> Flags:
    """Mark about `share` of `count` rows."""
    return rng.random(count) < share


def weighted(rng: Random, count: int, weights: Sequence[float]) -> Ints:
    """Draw `count` positions of `weights`, each as often as its weight says."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.searchsorted(edges / edges[-1], rng.random(count), side="right").clip(0, len(weights) - 1)


def days(amount: Floats | Ints) -> Durations:
    """Turn numbers of days into durations of whole seconds."""
    return seconds(np.asarray(amount, dtype=np.float64) * 86_400.0)


def seconds(amount: Floats | Ints) -> Durations:
    """Turn numbers of seconds into durations, cut to whole ones."""
    return np.asarray(amount).astype(np.int64).astype("m8[s]").astype("m8[us]")


def whole_seconds(times: Times) -> Times:
    """Cut times to whole seconds."""
    return times.astype("M8[s]").astype("M8[us]")


def marked(answers: Any) -> Flags:
    """Turn Arrow's yes and no into a mask; NULL is no."""
    flags: Flags = np.asarray(pc.fill_null(answers, False).to_numpy(zero_copy_only=False), dtype=np.bool_)
    return flags


def ordinals(groups: Ints) -> Ints:
    """Count the rows of each group from 0, in row order."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    fresh = np.r_[True, ordered[1:] != ordered[:-1]] if len(ordered) else np.zeros(0, dtype=np.bool_)
    starts = np.flatnonzero(fresh)
    ranks = np.arange(len(groups)) - np.repeat(starts, np.diff(np.r_[starts, len(groups)]))
    result = np.empty(len(groups), dtype=np.int64)
    result[order] = ranks
    return result


def repeat_within(lengths: Ints) -> tuple[Ints, Ints]:
    """Spread rows by `lengths`: for every new row, the old row it comes from and its position there."""
    owner = np.repeat(np.arange(len(lengths)), lengths)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def mix(kind: str, seed: int, numbers: Ints) -> NDArray[np.uint64]:
    """Hash numbers into 64 bits that look random and never collide within a kind (SplitMix64's finaliser).

    Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    start = np.uint64(zlib.crc32(f"{kind}/{seed}".encode()) << 32)
    state = numbers.astype(np.uint64) + start
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def hex_ids(kind: str, seed: int, numbers: Ints, width: int = 32) -> Strings:
    """Make ids of 16 or 32 hexadecimal digits, one a number, unique within a kind and seed."""
    parts = [mix(kind, seed, numbers)]
    if width == 32:
        parts.append(mix(kind + "'", seed, numbers))
    written = np.column_stack(parts).astype(">u8").tobytes().hex().encode()
    offsets = np.arange(len(numbers) + 1, dtype=np.int32) * width
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(offsets.tobytes()), pa.py_buffer(written))


def fill(templates: Sequence[str], which: Ints, values: Mapping[str, Strings]) -> Strings:
    """Write the template of each row with that row's values, as str.format does with plain names.

    Works template by template, so the cost goes with the rows and not with rows times templates.
    A value that is NULL is written as nothing.
    """
    if not len(which):
        return pa.array([], pa.string())
    order = np.argsort(which, kind="stable")
    numbers, starts = np.unique(which[order], return_index=True)
    pieces = []
    for number, rows in zip(numbers, np.split(order, starts[1:]), strict=True):
        parts: list[Any] = []
        for at, part in enumerate(templates[number].replace("}", "{").split("{")):
            parts.append(take(values[part], rows) if at % 2 else part)
        written = pc.binary_join_element_wise(*parts, "", null_handling="replace", null_replacement="")
        pieces.append(pa.array([written.as_py()] * len(rows), pa.string()) if len(parts) == 1 else written)
    back = np.empty(len(which), dtype=np.int64)
    back[order] = np.arange(len(which))
    return take(pa.concat_arrays(pieces), back)
