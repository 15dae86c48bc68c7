"""What the decisions of one run stand on: the same for everybody whom they are about."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from messaging.addresses import Addresses
from messaging.brand import Brand, worn
from messaging.campaigns import Content
from messaging.consent import KnownAs
from messaging.links import Links
from messaging.planner.history import was_written
from messaging.quiet_hours import QuietRules
from messaging.rendering import Compiled
from messaging.rendering.templates import EXAMPLE_COUPON
from messaging.settings import Settings

Templates = dict[str, dict[str, dict[str, Compiled]]]  # by name, then by channel, then by language


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
    brand: Brand


def company_of(settings: Settings) -> Company:
    """Give what the messages of an installation say of their sender, as it looks by now."""
    return Company(
        settings.company_name,
        settings.company_address,
        settings.currency,
        settings.time_zone,
        worn(settings),
    )


@dataclass(frozen=True)
class Ground:
    """All that the decisions of one run stand on."""

    run_id: str
    content: Content
    templates: Templates
    company: Company
    addresses: Addresses
    links: Links
    rules: QuietRules
    now: datetime
    already_written: Mapping[str, datetime]  # customers whom this campaign wrote to recently, and when first
    all_ids: Mapping[str, KnownAs]  # of people who have had several, or shared one
    already_held: Mapping[str, datetime] = field(
        default_factory=dict
    )  # customers held out recently, and when first
    wall: datetime | None = None  # messages wait until their reader's clock shows this
    # By customer, and whether it is taken (nobody who is held out uses one up); None where no code is left.
    coupon_for: Callable[[str, bool], str | None] = example_coupon
    # By customer, what the event tells that triggered their message; None where nothing did.
    told: Mapping[str, Mapping[str, Any]] | None = None

    def person(self, customer_id: str) -> KnownAs:
        """Give every id that a customer has, had or shared."""
        return self.all_ids.get(customer_id) or KnownAs((customer_id,))

    def values(self, customer_id: str) -> Mapping[str, Any]:
        """Give the campaign's values as one customer's message shows them."""
        campaign = self.content.campaign
        if self.told is None or campaign.trigger is None:
            return campaign.values
        own = {name: value for name, value in campaign.values.items() if name not in campaign.trigger.values}
        return own | dict(self.told.get(customer_id, {}))

    def untold(self, customer_id: str) -> list[str]:
        """Name the values that the event of a customer's message does not tell, or not as they can be shown."""
        trigger = self.content.campaign.trigger
        if self.told is None or trigger is None:
            return []
        return sorted(set(trigger.values) - set(self.told.get(customer_id, {})))

    def has_written(self, customer_id: str) -> bool:
        """Say whether this campaign wrote to a customer recently, under whatever id was theirs then."""
        return was_written(self.already_written, self.person(customer_id))

    def has_held(self, customer_id: str) -> bool:
        """Say whether this campaign held a customer out recently, under whatever id was theirs then."""
        return was_written(self.already_held, self.person(customer_id))
