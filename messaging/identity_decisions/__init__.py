"""Who a person said is one, or is not: said with a reason, held against what stands, withdrawn but never changed.

A decision names records, for ids of customers change and records do not. It is applied last by every build, and
overrules everything that evidence says.
"""

from messaging.identity_decisions.contradictions import Contradiction, contradictions
from messaging.identity_decisions.files import Imported, export_decisions, import_decisions
from messaging.identity_decisions.record import (
    Known,
    Recorded,
    list_decisions,
    record_decision,
    standing_decisions,
    withdraw,
)
from messaging.identity_decisions.said import KINDS, Decision, Kind, Record, read_record

__all__ = [
    "KINDS",
    "Contradiction",
    "Decision",
    "Imported",
    "Kind",
    "Known",
    "Record",
    "Recorded",
    "contradictions",
    "export_decisions",
    "import_decisions",
    "list_decisions",
    "read_record",
    "record_decision",
    "standing_decisions",
    "withdraw",
]
