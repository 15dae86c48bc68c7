"""What disappoints people, and what it does to them: some leave for good, all of them say so when asked.

Whatever the buying model holds for a person, a parcel that comes late or an answer that comes late makes them
leave with a chance of its own. Orders that somebody would have made after they left never were.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import pyarrow as pa

from pipelines.samples.arrays import DAY, Flags, Ints, Streams, Times, take
from pipelines.samples.orders import Orders
from pipelines.samples.service import PROMISE, Cases
from pipelines.samples.shipments import Shipments
from pipelines.samples.signatures import Signatures
from pipelines.samples.times import END

CAUSES = ("late_parcel", "slow_answer")
LEAVE_BECAUSE = (0.22, 0.35)  # of the receivers of a late parcel, of those who were left waiting
NOTICED = DAY  # after the promise of a parcel was broken
REMEMBERED = 180  # days
NEVER = np.datetime64("NaT", "us")


@dataclass(frozen=True)
class Disappointments:
    """A row a disappointment that happened, in the order of people and time; `cause` is a position in CAUSES."""

    person: Ints
    at: Times
    cause: Ints

    def before(self, person: Ints, at: Times, cause: int) -> Ints:
        """Count the disappointments of a kind that each person remembers at a time."""
        rows = self.cause == cause
        known = _keys(self.person[rows], self.at[rows])
        until = np.searchsorted(known, _keys(person, at), side="right")
        since = np.searchsorted(known, _keys(person, at - REMEMBERED * DAY), side="right")
        return until - since


@dataclass(frozen=True)
class Leaving:
    """When each person left because of a disappointment, and which: NaT and -1 for those who did not."""

    at: Times
    because: Ints


@dataclass(frozen=True)
class Drawn:
    """All orders and parcels that the buying model and the campaigns lead to, and which `lost` orders never were."""

    orders: Orders
    parcels: Shipments
    lost: Flags


def disappoint(orders: Orders, parcels: Shipments, cases: Cases) -> Disappointments:
    """Find every late parcel and every late answer."""
    late = np.flatnonzero(parcels.late)
    slow = np.flatnonzero(cases.slow)
    person = np.r_[orders.person[parcels.order[late]], cases.person[slow]]
    at = np.r_[parcels.promised_at[late] + NOTICED, cases.at[slow] + PROMISE]
    cause = np.repeat(np.arange(len(CAUSES)), [len(late), len(slow)])
    order = np.lexsort((cause, at, person))
    order = order[at[order] <= END]
    return Disappointments(person[order], at[order], cause[order])


def leave(streams: Streams, people: int, bad: Disappointments) -> Leaving:
    """Decide who leaves, at the first disappointment that is one too many."""
    rng = streams("leaving")
    enough = np.flatnonzero(rng.random(len(bad.person)) < np.asarray(LEAVE_BECAUSE)[bad.cause])
    at, because = np.full(people, NEVER), np.full(people, -1)
    first, last = np.unique(bad.person[enough], return_index=True)
    at[first], because[first] = bad.at[enough[last]], bad.cause[enough[last]]
    return Leaving(at, because)


def lose(leaving: Leaving, orders: Orders, parcels: Shipments) -> Drawn:
    """Mark the orders that people would have made after they left.

    An order that a campaign caused stays: winning people back is what the campaign was for.
    """
    return Drawn(orders, parcels, (orders.at > leaving.at[orders.person]) & ~orders.lifted)


def without_the_lost(drawn: Drawn, cases: Cases) -> tuple[Orders, Shipments, Cases]:
    """Give the orders that did happen, with their parcels and cases."""
    orders, parcels, kept = drawn.orders, drawn.parcels, ~drawn.lost
    number = np.where(kept, np.cumsum(kept) - 1, -1)
    sent = np.flatnonzero(kept[parcels.order])
    about = cases.order >= 0
    asked = np.flatnonzero(~about | kept[np.where(about, cases.order, 0)]) if len(kept) else np.arange(0)
    fewer = cases.some(asked)
    return (
        _some_orders(orders, kept, number),
        _some_parcels(parcels, sent, number),
        replace(fewer, order=np.where(fewer.order >= 0, number[np.maximum(fewer.order, 0)], -1)),
    )


def _some_orders(orders: Orders, kept: Flags, number: Ints) -> Orders:
    rows, lines = np.flatnonzero(kept), np.flatnonzero(kept[orders.line_owner])
    by_line = ("line_ordinal", "product", "quantity", "price")
    whole = {
        field.name: _rows(getattr(orders, field.name), lines if field.name in by_line else rows)
        for field in fields(orders)
        if field.name not in {"line_owner", "signed"}
    }
    signed = Signatures(*(take(getattr(orders.signed, field.name), rows) for field in fields(orders.signed)))
    return Orders(**whole, signed=signed, line_owner=number[orders.line_owner[lines]])


def _some_parcels(parcels: Shipments, rows: Ints, number: Ints) -> Shipments:
    some = {field.name: _rows(getattr(parcels, field.name), rows) for field in fields(parcels)}
    return replace(Shipments(**some), order=number[parcels.order[rows]])


def _rows(column: pa.Array | np.ndarray, rows: Ints) -> pa.Array | np.ndarray:
    return take(column, rows) if isinstance(column, pa.Array) else column[rows]


def _keys(person: Ints, at: Times) -> Ints:
    """Put person and time into one number that sorts by both."""
    second: Ints = at.astype("M8[s]").astype(np.int64)
    return person * np.int64(1 << 33) + second
