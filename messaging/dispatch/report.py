"""What a dispatch did, counted."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class DispatchReport:
    """What a dispatch did, in messages. `waiting` and `skipped` are by reason.

    `not_made` were committed to and given back: it took too long until their call.

    `resting` are the senders that nothing goes by for now, each with why.
    """

    accepted: int = 0
    failed: int = 0
    retried: int = 0
    unknown: int = 0
    recovered: int = 0
    not_made: int = 0
    waiting: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    resting: dict[str, str] = field(default_factory=dict)

    @property
    def called(self) -> int:
        """Count the calls to providers that ended."""
        return self.accepted + self.failed + self.retried + self.unknown

    def to_document(self) -> dict[str, Any]:
        """Give the report as plain data."""
        return {"called": self.called} | asdict(self)


def tally(report: DispatchReport, state: str) -> None:
    """Count an ended call by the state that it left its message in."""
    if state in {"accepted", "done"}:
        report.accepted += 1
    elif state == "queued":
        report.retried += 1
    elif state == "unknown":
        report.unknown += 1
    else:
        report.failed += 1


def add(total: DispatchReport, more: DispatchReport) -> None:
    """Add one report's counts to another's."""
    for name in ("accepted", "failed", "retried", "unknown", "recovered", "not_made"):
        setattr(total, name, getattr(total, name) + getattr(more, name))
    total.resting = more.resting
    for name in ("waiting", "skipped"):
        counts: dict[str, int] = getattr(total, name)
        for reason, count in getattr(more, name).items():
            counts[reason] = counts.get(reason, 0) + count
