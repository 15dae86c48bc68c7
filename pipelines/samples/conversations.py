"""Conversations: they follow from purchases, and are played from scripts turn by turn."""

from dataclasses import dataclass

import numpy as np

from pipelines.samples.arrays import (
    DAY,
    Durations,
    Ints,
    Random,
    Strings,
    Times,
    chance,
    choose,
    days,
    digits,
    fill,
    join,
    pick,
    repeat_within,
    seconds,
    take,
)
from pipelines.samples.catalogue import read_catalogue
from pipelines.samples.orders import Orders
from pipelines.samples.people import People
from pipelines.samples.shipments import Shipments
from pipelines.samples.times import END
from pipelines.samples.wording import AGENTS, Scripts


@dataclass(frozen=True)
class Episodes:
    """A row a conversation about to begin: who, when, about which order (-1: none), how many days late."""

    person: Ints
    at: Times
    order: Ints
    days: Ints

    def __len__(self) -> int:
        """Count the conversations."""
        return len(self.person)


@dataclass(frozen=True)
class Turns:
    """A row a message, those of one conversation in a row: `episode` and `position` say where it belongs."""

    episode: Ints
    position: Ints
    speaker: Strings
    text: Strings
    at: Times
    mood: Strings  # how a customer means it: positive, neutral or negative


def late_parcels(rng: Random, orders: Orders, parcels: Shipments, share: float) -> Episodes:
    """Let the receivers of `share` of the late parcels ask about them before (mostly) they come."""
    overdue: Times = parcels.promised_at + days(rng.uniform(0.9, 2.6, len(parcels)))
    rows = np.flatnonzero(parcels.late & (overdue < END) & chance(rng, len(parcels), share))
    order = parcels.order[rows]
    late = np.maximum(np.ceil((overdue[rows] - parcels.promised_at[rows]) / DAY).astype(np.int64), 1)
    return Episodes(orders.person[order], overdue[rows], order, late)


def refunds(rng: Random, orders: Orders, share: float) -> Episodes:
    """Let the buyers of `share` of the refunded orders have asked for it, two days or so before."""
    rows = np.flatnonzero((orders.refund > 0) & ~orders.in_store & chance(rng, len(orders), share))
    asked = orders.ended_at[rows] - days(rng.uniform(1, 3, len(rows)))
    asked = np.maximum(asked, orders.at[rows] + days(np.full(len(rows), 0.2)))
    return Episodes(orders.person[rows], asked, rows, np.zeros(len(rows), np.int64))


def curiosity(rng: Random, people: People, mean: float) -> Episodes:
    """Let people ask about something, `mean` times each on average, at any time after they joined."""
    person = np.repeat(np.arange(len(people)), rng.poisson(mean, len(people)))
    room = (END - people.joined[person]) / DAY
    at = people.joined[person] + days(rng.random(len(person)) * room)
    nothing = np.zeros(len(person), np.int64)
    return Episodes(person, at, nothing - 1, nothing)


@dataclass(frozen=True)
class Stage:
    """Where conversations are played: the people, what they bought, and the chance of it all."""

    rng: Random
    people: People
    orders: Orders

    def play(self, episodes: Episodes, scripts: Scripts, pause: float) -> Turns:
        """Play a script in the person's language for each conversation, `pause` seconds between turns or so.

        Turns after the end of the world are not spoken yet.
        """
        script = scripts.draw(self.rng, self.people.language[episodes.person])
        episode, position = repeat_within(scripts.lengths[script])
        at = episodes.at[episode] + _elapsed(self.rng, position, pause)
        said = at <= END
        episode, position, at = episode[said], position[said], at[said]
        which = scripts.starts[script[episode]] + position
        text = fill(scripts.texts, which, _values(self, episodes, episode))
        return Turns(episode, position, pick(scripts.speakers, which), text, at, pick(scripts.moods, which))

    def word(self, episodes: Episodes, scripts: Scripts) -> tuple[Strings, Strings]:
        """Give one text of a topic for each episode, and the mood it is written in.

        Nothing may begin after the end of the world.
        """
        turns = self.play(episodes, scripts, 0)
        return turns.text, turns.mood


def joined(parts: list[Episodes]) -> Episodes:
    """Put several lists of conversations behind each other."""
    return Episodes(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("person", "at", "order", "days")
        )
    )


def agent_of(episode: Ints, first: int = 0) -> Strings:
    """Name the agent who takes a conversation."""
    return pick(AGENTS, (episode * 7 + first) % len(AGENTS))


def _values(stage: Stage, episodes: Episodes, episode: Ints) -> dict[str, Strings]:
    """Give what the scripts' blanks stand for, a row a turn."""
    catalogue, orders = read_catalogue(), stage.orders
    about = episodes.order >= 0
    known = np.where(about, episodes.order, 0)
    any_product = stage.rng.integers(0, len(catalogue.names), len(episodes))
    product = np.where(about, orders.first_product[known], any_product)
    pence = orders.refund[known]
    amount = join(digits(pence // 100), ".", digits(pence % 100, 2), " GBP")
    per_episode = {
        "given": take(stage.people.given, episodes.person),
        "order": choose(about, take(orders.name, known), ""),
        "product": pick(catalogue.names, product),
        "amount": amount,
        "days": digits(episodes.days),
        "agent": agent_of(np.arange(len(episodes))),
    }
    return {name: take(values, episode) for name, values in per_episode.items()}


def _elapsed(rng: Random, position: Ints, pause: float) -> Durations:
    """Draw how long after its beginning each turn of a conversation comes."""
    waits = np.where(position > 0, rng.exponential(pause, len(position)) + pause / 10, 0)
    elapsed = np.cumsum(waits)
    begins = np.flatnonzero(position == 0)
    return seconds(elapsed - np.repeat(elapsed[begins], np.diff(np.r_[begins, len(position)])))
