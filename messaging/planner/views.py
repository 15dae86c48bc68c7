"""What a planner gives back: plain, frozen, ready for a page or a JSON document. Times are naive UTC."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from data_contracts.errors import RapportError


class SumsDoNotCloseError(RapportError):
    """A report's parts do not add up to its whole: a fault in Rapport, never shown as a report."""


@dataclass(frozen=True)
class RunSummary:
    """A run after a step: what it is, how its audience was decided, and what whoever acts should know."""

    run_id: str
    campaign: str
    title: str
    state: str
    matched: int
    to_send: int
    held_out: int
    excluded: dict[str, int]  # by reason
    by_channel: dict[str, int]
    by_language: dict[str, int]
    waiting_for_hours: int  # of those to send: it is night where they are
    without_name: int | None  # of those to send: greeted without a name; told when just planned
    release_version: str
    content_hash: str
    planned_at: datetime
    planned_by: str
    approved_by: str | None = None
    halted: str | None = None  # why it was paused by itself, while it is
    notices: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()  # of what its messages say, told when just planned
    samples: tuple["ShownMessage", ...] = ()  # ten of them, the worst first, told when just planned

    def to_document(self) -> dict[str, Any]:
        """Give the summary as a JSON document."""
        return asdict(self)


@dataclass(frozen=True)
class ReasonCount:
    """How many were left out (or did not get through) for one reason, and one sentence that explains it."""

    reason: str
    sentence: str
    people: int


@dataclass(frozen=True)
class Readers:
    """What readers did with a run's messages: each message counts once; `..._by_machines` are those of no person."""

    opened: int = 0
    opened_by_machines: int = 0
    clicked: int = 0
    clicked_by_machines: int = 0
    bounced: int = 0
    complained: int = 0


@dataclass(frozen=True)
class VariantReaders:
    """Of one variant: how many messages a provider took, and what their readers did."""

    messages: int
    readers: Readers


@dataclass(frozen=True)
class RunReport:
    """How a run stands. matched = to_send + held_out + excluded; to_send = the sum of `messages`."""

    run_id: str
    campaign: str
    title: str
    state: str
    matched: int
    to_send: int
    held_out: int
    excluded: tuple[ReasonCount, ...]
    messages: dict[str, int]  # planned | waiting | sent | delivered | failed | skipped | unknown | cancelled
    not_sent: tuple[ReasonCount, ...]  # of the skipped, failed and waiting: why
    by_channel: dict[str, dict[str, int]]
    replies: int
    stops: int
    segments: int  # SMS segments that were sent, which is what a provider bills
    release_version: str
    planned_at: datetime
    planned_by: str
    approved_at: datetime | None
    approved_by: str | None
    launched_at: datetime | None
    finished_at: datetime | None
    halted: str | None = None  # why it was paused by itself, while it is
    readers: Readers = Readers()
    by_variant: Mapping[str, VariantReaders] = field(default_factory=dict)
    cost: int = 0  # promised to providers for what was called, in millionths of the currency

    def check(self) -> "RunReport":
        """Give the report back when its sums close. Raises SumsDoNotCloseError when they do not."""
        excluded = sum(each.people for each in self.excluded)
        by_channel = sum(sum(states.values()) for states in self.by_channel.values())
        told = sum(self.messages.values())
        if self.matched != self.to_send + self.held_out + excluded or not self.to_send == told == by_channel:
            raise SumsDoNotCloseError(
                f"The sums of run {self.run_id} do not close: {self.matched} matched, {self.to_send} to send,"
                f" {self.held_out} held out, {excluded} excluded, {told} messages.",
                "This is a fault in Rapport: please report it with these figures.",
            )
        return self

    def to_document(self) -> dict[str, Any]:
        """Give the report as a JSON document."""
        return asdict(self)


@dataclass(frozen=True)
class AudienceRow:
    """What was decided about one person in a run, and what became of their message."""

    customer_id: str
    decision: str  # send | holdout | excluded
    reason: str | None
    detail: str | None
    channel: str | None
    language: str | None
    message_id: str | None
    message_state: str | None


@dataclass(frozen=True)
class ShownMessage:
    """A rendered message to look at; `remarks` say what might embarrass us in it."""

    message_id: str | None
    customer_id: str
    display_name: str | None
    channel: str
    language: str | None
    subject: str | None
    body: str
    html: str | None
    segment_count: int | None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rehearsal:
    """A campaign rendered for a few people, sending and storing nothing."""

    campaign: str
    matched: int
    would_send: int
    would_hold_out: int
    excluded: dict[str, int]
    messages: tuple[ShownMessage, ...]
