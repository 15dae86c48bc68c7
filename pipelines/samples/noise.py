"""How untidy the sample company's records are: a number a kind of noise, and the typing mistakes."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.samples.arrays import Ints, Random, Strings, take

PLACEHOLDER_EMAILS = ("noreply@example.com", "test@example.com", "n/a", "none@example.com")
PLACEHOLDER_PHONES = ("0000000000", "n/a", "+00 000 000 000")


@dataclass(frozen=True)
class Noise:
    """Shares of people (or, where it says so, of records) that each kind of noise touches.

    Tuned on 2026-11-21 so that joining on normalised e-mail or phone alone scores about P .89, R .75 at 2,000
    to 5,000 people; tests/pipelines/samples/test_difficulty.py holds it there.
    (Until 2026-11-22 it was R .71: tickets, surveys and site visits are signed with the addresses of accounts.)
    """

    # people
    household_phone: float = 0.28  # share of households of two or more that use one phone
    household_email: float = 0.04
    recycled_phone: float = 0.025  # a number that was somebody else's before
    no_phone: float = 0.26
    second_self: float = 0.5  # people who also deal with us under another e-mail address
    second_self_acts: float = 0.4  # ... share of their records that it signs
    second_self_same_phone: float = 0.25  # ... and give the same phone there
    second_account: float = 0.5  # ... and opened a second account with it
    plus_habit: float = 0.09  # people who write anna+shop@ when they check out
    dots_habit: float = 0.3  # people with a gmail-like address who leave the dots out now and then
    no_account: float = 0.1  # people who never opened an account
    # records
    typo_email: float = 0.02
    typo_name: float = 0.03
    upper_email: float = 0.06
    order_without_phone: float = 0.55
    order_in_store: float = 0.07  # rung up at a kiosk: its device id, and no address mostly
    order_nameless: float = 0.02  # nothing at all to recognise the customer by
    placeholder_email: float = 0.002
    placeholder_phone: float = 0.004
    chat_at_kiosk: float = 0.05
    kiosks_per_thousand: float = 2.0


def mistype(texts: Strings, rows: Ints, rng: Random) -> Strings:
    """Put a mistake into the texts of `rows` (rising): a letter dropped, doubled or swapped with the next.

    An e-mail address is hit before its @.
    """
    if not len(rows):
        return texts
    chosen = take(texts, rows).to_pylist()
    kinds, where = rng.integers(0, 3, len(rows)), rng.random(len(rows))
    wrong = [_slip(text, int(kind), float(at)) for text, kind, at in zip(chosen, kinds, where, strict=True)]
    mask = np.zeros(len(texts), dtype=np.bool_)
    mask[rows] = True
    return pc.replace_with_mask(texts, pa.array(mask), pa.array(wrong, pa.string()))


def _slip(text: str | None, kind: int, at: float) -> str | None:
    if text is None:
        return None
    local, sign, domain = text.partition("@")
    if len(local) < 3:
        return text
    spot = 1 + int(at * (len(local) - 2))
    middle = {0: "", 1: local[spot] * 2, 2: local[spot + 1] + local[spot]}[kind]
    return local[:spot] + middle + local[spot + (2 if kind == 2 else 1) :] + sign + domain
