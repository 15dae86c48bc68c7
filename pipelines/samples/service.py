"""The service desk: what people ask of it, and how long it lets them wait.

A case is answered within hours mostly; about one in six waits for days, and in the last week of the world, when
the desk is behind, more than every second one. Waiting is what makes people leave (`leaving.py`) and what
they tell when they are asked (`feedback.py`).
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from pipelines.samples.arrays import (
    DAY,
    Flags,
    Floats,
    Ints,
    Random,
    Streams,
    Times,
    chance,
    days,
    seconds,
    weighted,
)
from pipelines.samples.conversations import Episodes, curiosity, joined, late_parcels, refunds
from pipelines.samples.orders import Orders
from pipelines.samples.people import People
from pipelines.samples.shipments import Shipments
from pipelines.samples.times import END, HOUR

TOPICS = ("late_parcel", "damaged", "billing", "question")
COMPLAIN = 0.34  # of late parcels, besides those who chat or text
DAMAGED = 0.3  # of refunded orders
BILLING, QUESTIONS = 0.06, 0.1  # a person
VIAS, VIA_WEIGHTS = ("email", "web", "api"), (0.62, 0.3, 0.08)
PROMISE = 24 * HOUR  # what the desk promises: an answer within a day
USUAL_HOURS, SPREAD = 3.2, 0.75  # log-normal, where the desk is up to date
SLOW = 0.17
BEHIND_SINCE, SLOW_WHILE_BEHIND = END - 6 * DAY, 0.55
NEVER_SOLVED, GIVEN_UP_AFTER = 0.05, 30 * DAY


@dataclass(frozen=True)
class Cases:
    """A row a case of the desk; `slow` marks those that waited longer than the desk promises.

    A case that nobody solves is closed after GIVEN_UP_AFTER. Times after the end of the world have not happened.
    """

    person: Ints
    at: Times
    order: Ints
    days: Ints
    topic: Ints
    via: Ints
    answered_at: Times
    solved_at: Times

    def __len__(self) -> int:
        """Count the cases."""
        return len(self.person)

    @property
    def slow(self) -> Flags:
        """Mark the cases that waited for longer than the desk promises, before the world ends."""
        return (self.answered_at - self.at > PROMISE) & (self.at + PROMISE <= END)

    @property
    def episodes(self) -> Episodes:
        """Give the cases as conversations."""
        return Episodes(self.person, self.at, self.order, self.days)

    def some(self, rows: Ints) -> Self:
        """Keep some of the cases."""
        return type(self)(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def open_cases(streams: Streams, people: People, orders: Orders, parcels: Shipments) -> Cases:
    """Let people turn to the desk, and the desk answer, oldest case first."""
    rng = streams("service")
    kinds = [
        late_parcels(rng, orders, parcels, COMPLAIN),
        refunds(rng, orders, DAMAGED),
        curiosity(rng, people, BILLING),
        curiosity(rng, people, QUESTIONS),
    ]
    topic = np.repeat(np.arange(len(TOPICS)), [len(kind) for kind in kinds])
    asked = joined(kinds)
    order = np.lexsort((asked.person, asked.at))
    order = order[asked.at[order] <= END]
    at, count = asked.at[order], len(order)
    answered_at = at + seconds(_waits(rng, at) * 3600)
    solved_at = answered_at + days(0.15 + rng.exponential(0.7, count))
    return Cases(
        person=asked.person[order],
        at=at,
        order=asked.order[order],
        days=asked.days[order],
        topic=topic[order],
        via=weighted(rng, count, VIA_WEIGHTS),
        answered_at=answered_at,
        solved_at=np.where(chance(rng, count, NEVER_SOLVED), at + GIVEN_UP_AFTER, solved_at),
    )


def _waits(rng: Random, at: Times) -> Floats:
    """Draw the hours until the first answer."""
    count = len(at)
    slow = rng.random(count) < np.where(at >= BEHIND_SINCE, SLOW_WHILE_BEHIND, SLOW)
    usual = np.minimum(USUAL_HOURS * np.exp(SPREAD * rng.standard_normal(count)), 20)
    return np.where(slow, rng.uniform(26, 110, count), usual)
