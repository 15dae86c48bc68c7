"""What the gate answers: allowed, or blocked by a reason, in a sentence for a marketer, until when."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

MessageClass = Literal["marketing", "transactional", "conversational"]
Reason = Literal[
    "no_address",
    "invalid_address",
    "suppressed",
    "opted_out",
    "no_consent",
    "consent_expired",
    "open_complaint",
    "expired",
    "whatsapp_window",
    "contract_red",
    "merges_unknown",  # the dispatcher's own: no release could be read
    "frequency_cap",
    "state_limit",
    "unknown_time_zone",
    "quiet_hours",
    "daily_budget",
    "scheduled",  # the planner's own: at a time by the customer's own clock
    "campaign_pace",  # the dispatcher's own: so many of a campaign go in an hour
    "held_out",  # the planner's own: drawn by lot, to measure what the campaign does
]
# These pass by themselves; the others are final for this message.
WAITING: frozenset[Reason] = frozenset(
    {"quiet_hours", "contract_red", "merges_unknown", "daily_budget", "scheduled", "campaign_pace"}
)
HELD_OUT = "Held out by lot, to measure what the campaign does."


@dataclass(frozen=True)
class Allowed:
    """The message may go now; to a phone, and unasked, only until a moment (naive UTC; None: no end is near)."""

    until: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Blocked:
    """The message may not go now: a code, a sentence for a marketer, when it may go (naive UTC), if ever."""

    reason: Reason
    sentence: str
    until: datetime | None = None

    @property
    def waits(self) -> bool:
        """Say whether the message should wait rather than be left out: what stops it passes by itself."""
        return self.reason in WAITING
