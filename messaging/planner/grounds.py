"""What the decisions of one run stand on: the same for everybody whom they are about."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from messaging.addresses import Addresses
from messaging.campaigns import Content
from messaging.consent import KnownAs
from messaging.links import Links
from messaging.planner.history import was_written
from messaging.quiet_hours import QuietRules
from messaging.rendering import Compiled
from messaging.rendering.templates import EXAMPLE_COUPON


def example_coupon(_customer_id: str, _taken: bool) -> str:  # noqa: FBT001 - as a draw is asked
    """Give a code that is none, where nothing is sent."""
    return EXAMPLE_COUPON


@dataclass(frozen=True)
class Company:
    """What a message says of its sender."""

    name: str
    address: str
    currency: str
    time_zone: str


@dataclass(frozen=True)
class Ground:
    """All that the decisions of one run stand on."""

    run_id: str
    content: Content
    templates: dict[str, dict[str, dict[str, Compiled]]]  # by name, then by channel, then by language
    company: Company
    addresses: Addresses
    links: Links
    rules: QuietRules
    now: datetime
    already_written: Mapping[str, datetime]  # customers whom this campaign wrote to recently, and when first
    all_ids: Mapping[str, KnownAs]  # of people who have had several, or shared one
    wall: datetime | None = None  # messages wait until their reader's clock shows this
    # By customer, and whether it is taken (nobody who is held out uses one up); None where no code is left.
    coupon_for: Callable[[str, bool], str | None] = example_coupon

    def person(self, customer_id: str) -> KnownAs:
        """Give every id that a customer has, had or shared."""
        return self.all_ids.get(customer_id) or KnownAs((customer_id,))

    def has_written(self, customer_id: str) -> bool:
        """Say whether this campaign wrote to a customer recently, under whatever id was theirs then."""
        return was_written(self.already_written, self.person(customer_id))
