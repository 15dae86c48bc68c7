"""Orders: who bought what, when, where, and what became of it."""

from dataclasses import dataclass

import numpy as np

from pipelines.samples.arrays import (
    DAY,
    Flags,
    Floats,
    Ints,
    Random,
    Streams,
    Strings,
    Times,
    blank,
    chance,
    days,
    digits,
    join,
    repeat_within,
    seconds,
)
from pipelines.samples.buying import WEEK, BuyingModel, draw_spend, draw_visits
from pipelines.samples.catalogue import read_catalogue
from pipelines.samples.noise import Noise
from pipelines.samples.people import People
from pipelines.samples.signatures import Signatures, act, sign
from pipelines.samples.times import END, hours_ahead

BUYERS = 0.93  # the others only ask, or only read
CANCELLED, REFUNDED = 0.03, 0.06
TOGETHER = 0.5  # of orders of several lines, whose second line is then what goes with the first


@dataclass(frozen=True)
class Intents:
    """Decisions to buy: by whom, when, for how many pounds; `lifted` where a campaign is the cause."""

    person: Ints
    at: Times
    spend: Floats
    lifted: Flags


@dataclass(frozen=True)
class Orders:
    """Orders in the order of their numbers, and their lines.

    `line_owner` points from a line to its order; amounts are in pence. `refund` is 0 where nothing was
    refunded.
    """

    person: Ints
    at: Times
    lifted: Flags
    name: Strings
    signed: Signatures
    device: Strings
    in_store: Flags
    cancelled: Flags
    ended_at: Times  # when it was refunded or cancelled; meaningless for the others
    refund: Ints
    total: Ints
    line_owner: Ints
    line_ordinal: Ints
    product: Ints
    quantity: Ints
    price: Ints

    def __len__(self) -> int:
        """Count the orders."""
        return len(self.person)

    @property
    def first_product(self) -> Ints:
        """Give the product on the first line of each order."""
        products: Ints = self.product[self.line_ordinal == 0]
        return products


def plan_purchases(streams: Streams, people: People, model: BuyingModel) -> Intents:
    """Let everybody buy as the buying model says, from the day they joined to the end of the world."""
    rng = streams("purchases")
    buyers = np.flatnonzero(chance(rng, len(people), BUYERS))
    horizon = (END - people.joined[buyers]) / WEEK
    visits = draw_visits(rng, horizon, model)
    person = buyers[visits.buyer]
    at = people.joined[person] + days(visits.week * 7)
    spend = draw_spend(rng, len(buyers), visits.buyer, model)
    return Intents(person, at, spend, np.zeros(len(person), dtype=np.bool_))


def take_orders(streams: Streams, people: People, intents: list[Intents], noise: Noise) -> Orders:
    """Make orders with lines of all intents, numbered by time."""
    rng = streams("orders")
    person = np.concatenate([some.person for some in intents])
    at = _in_daytime(rng, people, person, np.concatenate([some.at for some in intents]))
    order = np.lexsort((person, at))
    person, at = person[order], at[order]
    lifted = np.concatenate([some.lifted for some in intents])[order]
    spend = np.concatenate([some.spend for some in intents])[order]
    count = len(person)
    signed = sign(rng, people, act(rng, people, person, at, noise), noise)
    in_store = chance(rng, count, noise.order_in_store)
    nameless = chance(rng, count, noise.order_nameless)
    owner, ordinal, product, quantity, price = _lines(rng, streams("together"), spend)
    total = np.bincount(owner, weights=quantity * price, minlength=count).astype(np.int64)
    cancelled = chance(rng, count, CANCELLED) & ~in_store & (at < END - 2 * DAY)
    undone_after = np.where(cancelled, rng.uniform(0.1, 1.5, count), 6 + rng.exponential(6, count))
    ended_at = at + days(undone_after)
    refunded = chance(rng, count, REFUNDED) & ~cancelled & (ended_at < END)
    first_line = (quantity * price)[ordinal == 0]
    return Orders(
        person=person,
        at=at,
        lifted=lifted,
        name=join("#", digits(1001 + streams.first * 10 + np.arange(count))),
        signed=_signed(rng, signed, in_store, nameless, noise),
        device=blank(name_kiosks(rng, len(people), count, noise), ~in_store),
        in_store=in_store,
        cancelled=cancelled,
        ended_at=ended_at,
        refund=np.where(refunded, np.where(chance(rng, count, 0.45), total, first_line), 0),
        total=total,
        line_owner=owner,
        line_ordinal=ordinal,
        product=product,
        quantity=quantity,
        price=price,
    )


def _in_daytime(rng: Random, people: People, person: Ints, at: Times) -> Times:
    """Move each order into the waking hours of its day, and never past the end."""
    day = at.astype("M8[D]").astype("M8[us]")
    hour = np.clip(rng.normal(15.2, 3.9, len(at)), 6.5, 23.4) - hours_ahead(people.place[person])
    moved = day + seconds(hour * 3600)
    late = END - seconds(rng.uniform(180, 18_000, len(at)))
    return np.minimum(moved, late)


def _lines(rng: Random, together: Random, spend: Floats) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Split what an order is worth into lines of products whose prices come nearest.

    Some buy two things that go together. These cost nearly the same, so the order is worth what it was.
    """
    catalogue = read_catalogue()
    counts = 1 + np.minimum(rng.poisson(0.85, len(spend)), 5)
    owner, ordinal = repeat_within(counts)
    shares = rng.gamma(2.0, 1.0, len(owner))
    worth = spend[owner] * 100 * shares / np.bincount(owner, weights=shares, minlength=len(spend))[owner]
    quantity = 1 + (chance(rng, len(owner), 0.2) & (worth > 800)) * rng.integers(1, 4, len(owner))
    quantity = np.maximum(quantity, np.ceil(worth / catalogue.prices[-1]).astype(np.int64))
    first = np.flatnonzero((ordinal == 0) & (chance(together, len(spend), TOGETHER) & (counts > 1))[owner])
    worth[first] = worth[first + 1] = (worth[first] + worth[first + 1]) / 2
    quantity[first] = quantity[first + 1] = np.maximum(1, np.ceil(worth[first] / catalogue.prices[-1]))
    product = catalogue.nearest(worth / quantity)
    product[first + 1] = catalogue.partners(product[first])
    return owner, ordinal, product, quantity, catalogue.prices[product]


def _signed(rng: Random, signed: Signatures, in_store: Flags, nameless: Flags, noise: Noise) -> Signatures:
    """Leave out what is not asked for: phones mostly, much at a till; and some people say nothing at all."""
    count = len(in_store)
    quiet = nameless | (in_store & chance(rng, count, 0.65))
    no_phone = nameless | in_store | chance(rng, count, noise.order_without_phone)
    return Signatures(
        blank(signed.email, quiet),
        blank(signed.phone, no_phone),
        blank(signed.given, quiet),
        blank(signed.family, quiet),
    )


def name_kiosks(rng: Random, people: int, count: int, noise: Noise) -> Strings:
    """Draw a till for each of `count` visits; many people share one."""
    tills = max(3, int(people * noise.kiosks_per_thousand / 1000))
    return join("kiosk-", digits(rng.integers(1, tills + 1, count), 3))
