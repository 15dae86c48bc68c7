"""What tests of decisions share: four records, and how somebody decides about them."""

from collections.abc import Collection
from datetime import datetime, timedelta

from messaging.clock import Clock
from messaging.identity_decisions import (
    Kind,
    Record,
    Recorded,
    import_decisions,
    record_decision,
)
from messaging.store import Store

NOON = datetime.fromisoformat("2026-10-30T12:00")
A, B, C, D = (Record("crm", f"contact/{letter}") for letter in "abcd")


def everything(records: Collection[Record]) -> Collection[Record]:
    return records


def nothing(records: Collection[Record]) -> Collection[Record]:
    return ()


def say(store: Store, kind: Kind, one: Record, other: Record, hours: float = 0, **values: str) -> Recorded:
    words = {"author": "ann", "reason": "They called.", **values}
    clock = Clock(NOON + timedelta(hours=hours))
    return record_decision(store, clock, kind, one, other, known=everything, **words)


def take_over(store: Store, text: str) -> tuple[int, int]:
    imported = import_decisions(store, Clock(NOON), text, "importer", known=everything)
    return len(imported.new), imported.already
