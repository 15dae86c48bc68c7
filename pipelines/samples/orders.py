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
    digits,
    join,
    repeat_within,
)
from pipelines.samples.buying import WEEK, BuyingModel, draw_spend, draw_visits
from pipelines.samples.catalogue import read_catalogue
from pipelines.samples.noise import Noise
from pipelines.samples.people import END, People
from pipelines.samples.places import PLACES, ZONES
from pipelines.samples.signatures import Signatures, choose_selves, sign

BUYERS = 0.93  # the others only ask, or only read
CANCELLED, REFUNDED = 0.03, 0.06
HOUR = np.timedelta64(3_600_000_000, "us")
# Hours ahead of UTC in summer; near enough for deciding when people are awake.
HOURS_AHEAD = {
    "Europe/London": 1, "Europe/Dublin": 1, "Europe/Lisbon": 1, "Europe/Berlin": 2, "Europe/Paris": 2,
    "Europe/Madrid": 2, "Europe/Stockholm": 2, "America/New_York": -4, "America/Toronto": -4, "America/Chicago": -5,
    "America/Denver": -6, "America/Phoenix": -7, "America/Los_Angeles": -7, "America/Vancouver": -7,
    "Australia/Sydney": 10, "Australia/Melbourne": 10, "Australia/Brisbane": 10, "Australia/Perth": 8,
}  # fmt: skip


@dataclass(frozen=True)
class Intents:
    """Decisions to buy, before they are orders: by whom, when, for how many pounds; `lifted` by a campaign or not."""

    person: Ints
    at: Times
    spend: Floats
    lifted: Flags


@dataclass(frozen=True)
class Orders:
    """Orders in the order of their numbers, and their lines.

    `line_owner` points from a line to its order; amounts are in pence. `refund` is 0 where nothing was refunded.
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
        return self.product[self.line_ordinal == 0]


def local_hours_ahead(people: People, person: Ints) -> Ints:
    """Give the hours that people's clocks are ahead of UTC."""
    ahead = np.asarray([HOURS_AHEAD[PLACES[at].zone] for at in range(len(PLACES))])
    return ahead[people.place[person]]


def plan_purchases(streams: Streams, people: People, model: BuyingModel) -> Intents:
    """Let everybody buy as the buying model says, from the day they joined to the end of the world."""
    rng = streams("purchases")
    buyers = np.flatnonzero(chance(rng, len(people), BUYERS))
    horizon = (END - people.joined[buyers]) / WEEK
    visits = draw_visits(rng, horizon, model)
    person = buyers[visits.buyer]
    at = people.joined[person] + (visits.week * WEEK.astype(np.int64)).astype("m8[us]")
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
    selves = choose_selves(rng, people, person, 0.3)
    in_store = chance(rng, count, noise.order_in_store)
    nameless = chance(rng, count, noise.order_nameless)
    owner, ordinal, product, quantity, price = _lines(rng, spend)
    total = np.bincount(owner, weights=quantity * price, minlength=count).astype(np.int64)
    cancelled = chance(rng, count, CANCELLED) & ~in_store & (at < END - 2 * DAY)
    ended_at = at + (rng.uniform(0.1, 1.5, count) * DAY.astype(np.int64)).astype("m8[us]")
    ended_at = np.where(
        cancelled, ended_at, at + ((6 + rng.exponential(6, count)) * DAY.astype(np.int64)).astype("m8[us]")
    )
    refunded = chance(rng, count, REFUNDED) & ~cancelled & (ended_at < END)
    first_line = (quantity * price)[ordinal == 0]
    return Orders(
        person=person,
        at=at,
        lifted=lifted,
        name=join("#", digits(1001 + streams.first * 10 + np.arange(count))),
        signed=_signed(rng, sign(rng, people, person, selves, at, noise), in_store, nameless, noise),
        device=_kiosks(rng, len(people), in_store, noise),
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
    hour = np.clip(rng.normal(15.2, 3.9, len(at)), 6.5, 23.4) - local_hours_ahead(people, person)
    moved = day + (hour * HOUR.astype(np.int64)).astype("m8[us]").astype("m8[s]")
    late = END - (rng.uniform(0.05, 5, len(at)) * HOUR.astype(np.int64)).astype("m8[us]").astype("m8[s]")
    return np.minimum(moved.astype("M8[us]"), late.astype("M8[us]"))


def _lines(rng: Random, spend: Floats) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Split what an order is worth into lines of products whose prices come nearest."""
    catalogue = read_catalogue()
    counts = 1 + np.minimum(rng.poisson(0.85, len(spend)), 5)
    owner, ordinal = repeat_within(counts)
    shares = rng.gamma(2.0, 1.0, len(owner))
    worth = spend[owner] * 100 * shares / np.bincount(owner, weights=shares, minlength=len(spend))[owner]
    quantity = 1 + (chance(rng, len(owner), 0.2) & (worth > 800)) * rng.integers(1, 4, len(owner))
    quantity = np.maximum(quantity, np.ceil(worth / catalogue.prices[-1]).astype(np.int64))
    product = catalogue.nearest(worth / quantity)
    return owner, ordinal, product, quantity, catalogue.prices[product]


def _signed(rng: Random, signed: Signatures, in_store: Flags, nameless: Flags, noise: Noise) -> Signatures:
    """Leave out what is not asked for: phones mostly, everything at a till, and some people say nothing at all."""
    count = len(in_store)
    quiet = nameless | (in_store & chance(rng, count, 0.65))
    no_phone = nameless | in_store | chance(rng, count, noise.order_without_phone)
    return Signatures(
        blank(signed.email, quiet),
        blank(signed.phone, no_phone),
        blank(signed.given, quiet),
        blank(signed.family, quiet),
    )


def _kiosks(rng: Random, people: int, in_store: Flags, noise: Noise) -> Strings:
    """Name the till of orders in a store; many people share one."""
    tills = max(3, int(people * noise.kiosks_per_thousand / 1000))
    names = join("kiosk-", digits(rng.integers(1, tills + 1, len(in_store)), 3))
    return blank(names, ~in_store)
