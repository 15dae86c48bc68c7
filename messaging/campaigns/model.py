"""What a campaign is, as plain data: whom, by which channels, what, and who is held out by lot."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from messaging.campaigns.schedule import Schedule
from messaging.campaigns.trigger import Trigger
from messaging.policy import FrequencyCap
from messaging.segments import Goal

NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,59}")
PREFERRED = "preferred"  # stands for the channel that a customer answers best
STANDS_ON = ("purchases", "contacts", "consents")  # a red contract of one of these makes marketing wait
MOVED_PERCENT = 20.0
DATA_HOURS = 48.0


@dataclass(frozen=True)
class Holdout:
    """The share of people who hear nothing, drawn by a salted hash so that anybody can draw it again."""

    share: float
    salt: str

    def holds(self, customer_id: str) -> bool:
        """Say whether the lot falls on a customer.

        The same in SQL: `('0x' || left(sha256(salt || ':' || customer_id), 8))::BIGINT < share * 4294967296`.
        """
        digest = hashlib.sha256(f"{self.salt}:{customer_id}".encode()).hexdigest()
        return int(digest[:8], 16) < self.share * 2**32


@dataclass(frozen=True)
class Variant:
    """One of several templates that are tried against one another, with its part of the people."""

    name: str
    template: str
    share: int  # beside the others' shares


@dataclass(frozen=True)
class ApprovalRule:
    """How many different people have to approve: `people`, or two where more than `second_above` get a message."""

    people: int = 1
    second_above: int | None = None

    def wanted(self, to_send: int) -> int:
        """Say how many have to approve a run that writes to so many."""
        return 2 if self.second_above is not None and to_send > self.second_above else self.people


@dataclass(frozen=True)
class Tracking:
    """Where the links of a campaign's marketing lead by us, and what they tell the web shop of where a reader is from."""

    channels: frozenset[str] = frozenset({"email"})
    # `source`, `medium`, `campaign`, `content`, where the file has others than ours
    utm: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Survey:
    """A question that a campaign asks: what is answered to its messages lands as a survey response."""

    name: str
    kind: str  # nps | csat | ces | other
    question: str
    lowest: int
    highest: int


@dataclass(frozen=True)
class Campaign:
    """Whom we write to, what, in which order of channels, and who is left out to compare."""

    name: str
    title: str
    description: str
    segment: str
    variants: tuple[Variant, ...]  # one without a name, where nothing is tried against anything
    goal: Goal
    channels: tuple[str, ...]  # `preferred` or a channel, best first
    fall_back: bool  # whether it goes by the next channel where it surely did not arrive by the first
    holdout: Holdout
    again_after_days: int
    caps: Mapping[str, FrequencyCap]  # its own by channel, beside those that hold for every campaign
    daily_budget: int | None  # in millionths of the currency
    expires_after_days: int | None  # so long after its plan a message may go; None for as long as all may
    values: Mapping[str, str | int]  # of what a trigger's event tells: the examples
    stands_on: tuple[str, ...]
    moved_percent: float  # so much of the audience may come or go between plan and launch
    data_hours: float  # so old may the release be when it is launched
    approval: ApprovalRule = ApprovalRule()
    schedule: Schedule | None = None  # when it goes by itself, under a standing approval
    trigger: Trigger | None = None  # what lets it write to one person at a time, under a standing approval
    shadow: bool = False  # planned day after day, and never sent
    tracking: Tracking = Tracking()
    survey: Survey | None = None
    coupon: str | None = None  # the list of codes of which everybody whom it writes to gets one
    per_hour: int | None = (
        None  # so many of its messages go in an hour, spread evenly; None for as fast as senders are
    )
    at_usual_hour: bool = False  # whether each waits for the hour around which its reader answers

    @property
    def template(self) -> str:
        """Name the first template."""
        return self.variants[0].template

    def variant_of(self, customer_id: str) -> Variant:
        """Say which variant the lot gives to a customer, whoever else is there; the holdout's lot is another one.

        The same in SQL: `('0x' || left(sha256(salt || ':variant:' || customer_id), 8))::BIGINT` lies below
        `(shares up to and with the variant's) * 4294967296 / (all shares)`.
        """
        if len(self.variants) == 1:
            return self.variants[0]
        digest = hashlib.sha256(f"{self.holdout.salt}:variant:{customer_id}".encode()).hexdigest()
        drawn, every = int(digest[:8], 16), sum(each.share for each in self.variants)
        ends = accumulate(each.share for each in self.variants)
        return next(
            each for each, end in zip(self.variants, ends, strict=True) if drawn * every < end * 2**32
        )

    def utm(self, channel: str, variant: Variant) -> dict[str, str]:
        """Give the UTM parameters of the links in a message, by their names without `utm_`."""
        told = {"source": "rapport", "medium": channel, "campaign": self.name}
        return told | {"content": variant.name or variant.template} | dict(self.tracking.utm)

    def channel_order(self, preferred: str | None) -> list[str]:
        """Give the channels to try for somebody, in order: theirs first where the campaign says so."""
        known = [channel for channel in self.channels if channel != PREFERRED]
        if PREFERRED in self.channels and preferred in known:
            return list(dict.fromkeys([preferred, *known]))
        return known
