"""What a reader of customers is given: plain, frozen, ready for a page or a JSON document."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, TypedDict

from messaging.customers.service import Service


class CustomerFacts(TypedDict):
    """The columns of customer_360 that our code names; a row has all that are published.

    Times are naive UTC, money minor units of RAPPORT_CURRENCY.
    """

    customer_id: str
    given_name: str | None
    family_name: str | None
    display_name: str | None
    email: str | None
    phone: str | None
    country: str | None
    language: str | None
    time_zone: str | None
    time_zone_source: str | None
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    record_count: int
    source_count: int
    email_consent: str
    sms_consent: str
    email_reachable: bool
    sms_reachable: bool
    preferred_channel: str | None
    preferred_channel_reason: str | None
    first_order_at: datetime | None
    last_order_at: datetime | None
    days_since_last_order: int | None
    order_count: int
    net_revenue_minor: int
    refund_minor: int
    average_order_minor: int | None
    favourite_category: str | None
    open_shipment_count: int
    late_shipment_count: int
    inbound_message_count: int
    outbound_message_count: int
    last_inbound_at: datetime | None
    last_inbound_channel: str | None
    open_conversation_count: int
    last_outreach_at: datetime | None
    last_outreach_campaign: str | None
    last_outreach_state: str | None
    outreach_90d_count: int
    lifecycle_stage: str


@dataclass(frozen=True)
class CustomerHit:
    """One answer to a search, best first; `score` is 1 for an exact identifier and less for a name."""

    customer_id: str
    display_name: str | None
    email: str | None
    phone: str | None
    country: str | None
    lifecycle_stage: str | None
    last_seen_at: datetime | None
    net_revenue_minor: int
    matched_by: str
    score: float


@dataclass(frozen=True)
class ChannelConsent:
    """Whether we may write to a customer on a channel for marketing, as the store knows it, and the proof."""

    channel: str
    state: str  # granted | revoked | none
    sentence: str
    at: datetime | None = None
    legal_basis: str | None = None
    method: str | None = None
    source: str | None = None
    event_id: str | None = None
    suppressed: bool = False  # the address itself asked for silence, whoever owns it


@dataclass(frozen=True)
class Identifier:
    """One identifier of a customer, and how much stands behind it."""

    identifier_type: str
    value: str
    source_count: int
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    is_best: bool


@dataclass(frozen=True)
class Order:
    """One order; amounts are minor units of `currency`."""

    order_id: str
    source: str
    ordered_at: datetime
    status: str | None
    line_count: int
    net_amount_minor: int
    refund_minor: int
    currency: str


@dataclass(frozen=True)
class Shipment:
    """One parcel; `days_late` counts whole days beyond the estimate."""

    shipment_id: str
    order_id: str
    source: str
    status: str
    carrier: str | None
    tracking_number: str | None
    shipped_at: datetime | None
    estimated_delivery_at: datetime | None
    delivered_at: datetime | None
    days_late: int | None


@dataclass(
    frozen=True, slots=True
)  # five hundred on a card: half the memory, and half of what is collected later
class TimelineEntry:
    """One touch between us and a customer; `is_fresh` when it happened after the release was built."""

    occurred_at: datetime
    touch_id: str
    channel: str | None
    origin_table: str
    direction: str  # in | out | none
    kind: str
    title: str
    body: str | None
    source: str
    source_record_id: str
    campaign: str | None = None
    state: str | None = None
    amount_minor: int | None = None
    is_fresh: bool = False

    @property
    def message_id(self) -> str | None:
        """Give the id of the campaign's message that it is, of which Rapport can say why it went; else None."""
        record = self.source_record_id.rsplit("/", 1)[-1]
        is_ours = self.source == "rapport" and self.campaign is not None and record.startswith("msg_")
        return record if is_ours else None


@dataclass(frozen=True)
class CustomerCard:
    """Everything about one customer that fits a page: the release's facts, the store's tail over them."""

    customer_id: str
    facts: CustomerFacts
    consents: tuple[ChannelConsent, ...]
    identifiers: tuple[Identifier, ...]
    orders: tuple[Order, ...]
    shipments: tuple[Shipment, ...]
    touches: tuple[TimelineEntry, ...]
    aliases: tuple[str, ...]  # ids that this person had before
    asked_id: str  # what was asked for: differs from customer_id when an alias was followed
    release_version: str
    as_of: datetime
    fresh_inbound_count: int = 0

    def to_document(self) -> dict[str, Any]:
        """Give the card as a JSON document."""
        return asdict(self)


@dataclass(frozen=True)
class WeeklyTouches:
    """Touches of one ISO week (its Monday), one channel and one direction (in | out)."""

    week: datetime
    channel: str
    direction: str
    touches: int


@dataclass(frozen=True)
class CampaignFigures:
    """How a campaign did, over all its runs.

    `bought_sent` and `bought_held_out` count people with an order within 30 days after they were written to
    (or held out), so that their shares can be compared.
    """

    campaign: str
    sent: int
    delivered: int
    failed: int
    read_or_clicked: int
    replied: int
    held_out: int
    bought_sent: int
    bought_held_out: int
    last_at: datetime | None


@dataclass(frozen=True)
class MonthlyRevenue:
    """Net revenue of a calendar month in minor units of RAPPORT_CURRENCY, and the orders behind it."""

    month: datetime
    net_revenue_minor: int
    order_count: int


@dataclass(frozen=True)
class ContractHealth:
    """The newest verdict on one inbound table: green, amber or red."""

    table_name: str
    state: str
    rows_checked: int
    rows_quarantined: int
    failed_rules: tuple[str, ...]
    checked_at: datetime | None


@dataclass(frozen=True)
class RunningCampaign:
    """A run that is under way or waits for somebody."""

    run_id: str
    campaign: str
    state: str
    planned_at: datetime
    by_state: dict[str, int]


@dataclass(frozen=True)
class LastBuild:
    """The newest build, and whether it published."""

    state: str
    started_at: datetime
    finished_at: datetime | None
    release_version: str | None


@dataclass(frozen=True)
class Overview:
    """The first page: how the company and its customers stand with each other."""

    people: int
    customers: int  # people who bought at least once
    reachable: dict[str, int]  # by channel; "any" counts people with at least one
    reach_lost_since: int  # people who took back a consent after the release was built
    touches: tuple[WeeklyTouches, ...]
    campaigns: tuple[CampaignFigures, ...]
    revenue: tuple[MonthlyRevenue, ...]
    lifecycle: dict[str, int]
    contracts: tuple[ContractHealth, ...]
    running: tuple[RunningCampaign, ...]
    last_build: LastBuild | None
    release_version: str
    as_of: datetime
    built_at: datetime
    guest_orders: int = 0
    records: int = 0
    row_counts: dict[str, int] = field(default_factory=dict)
    service: Service = field(default_factory=Service)

    def to_document(self) -> dict[str, Any]:
        """Give the overview as a JSON document."""
        return asdict(self)
