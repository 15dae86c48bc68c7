"""What the gate looks at: plain data, read by `messaging.facts`."""

from dataclasses import dataclass
from datetime import datetime

from messaging.consent_words import ConsentState
from messaging.policy.verdicts import MessageClass
from messaging.quiet_hours import Place


@dataclass(frozen=True, slots=True)
class FrequencyCap:
    """At most `messages` marketing messages a person in any `days` days, over all campaigns; on one channel, or on all."""

    messages: int
    days: int
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """Marketing that may have reached a person: being called, unknown and accepted alike."""

    at: datetime
    channel: str
    campaign: str | None = None


@dataclass(frozen=True, slots=True)
class BudgetStanding:
    """A budget of one day, and what of it is promised: in millionths of the currency. `ends` is naive UTC."""

    scope: str  # a channel, `campaign:` and a campaign's name, or `every channel`
    limit: int
    promised: int
    ends: datetime


@dataclass(frozen=True, slots=True)
class SendFacts:
    """Everything that the gate looks at, for one message to one address. Moments are naive UTC."""

    channel: str
    message_class: MessageClass
    now: datetime
    address: str | None  # normalised; None where there is none, or none that can exist
    address_given: bool = True  # whether we were given any address at all
    suppression: str | None = None  # why the address is suppressed on this channel
    consent: ConsentState | None = None  # the strictest of the person's and the address's
    complaint_since: datetime | None = None  # of the person or at the address, while it is open
    has_template: bool = False  # whether it is an approved template of the provider's
    window_open: bool = False  # whether the person wrote to us on this channel within a day
    zones: tuple[str, ...] = ()  # every zone where they may be
    places: tuple[Place, ...] = ()  # every place whose rules may hold
    sent: tuple[Sent, ...] = ()
    caps: tuple[FrequencyCap, ...] = ()
    campaign: str | None = None
    red_contracts: tuple[str, ...] = ()  # tables that the campaign stands on and whose checks are red
    cost: int = 0  # of this message, in millionths of the currency
    expires_at: datetime | None = None  # of marketing: from then on it is too old to go
    answers_stop_until: datetime | None = None  # of our one answer to a STOP: until when it may confirm it
    budgets: tuple[BudgetStanding, ...] = ()  # that it would be paid from
    currency: str = ""
