"""How customers came to be who they are: born, merged and split, with the time and the cause of each."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from data_contracts.errors import NotFoundError
from messaging.customers import lookup
from messaging.release import Row, Snapshot

MOST = 200  # entries of everybody's journal that are shown, the newest

# An id that became another has a past of its own, and it is part of the one that it became: all ids of a person.
JOURNAL = """
SELECT "at", build_id, kind, customer_id, other_customer_id, records, cause, detail
FROM c360.identity_journal
WHERE $ids IS NULL OR list_contains($ids, customer_id) OR list_contains($ids, other_customer_id)
ORDER BY "at" DESC, build_id DESC, kind DESC, customer_id DESC, other_customer_id DESC
LIMIT $most
"""
COLUMNS = ("at", "build_id", "kind", "customer_id", "other_customer_id", "records", "cause", "detail")


@dataclass(frozen=True)
class JournalEntry:
    """A customer was born, swallowed another, or was cut from another.

    `kind` is born, merged (`customer_id` is who stayed, `other_customer_id` became an alias of it) or split
    (`customer_id` is new, `other_customer_id` is whom it was cut from). `at` is naive UTC.
    """

    at: datetime
    build_id: str
    kind: str
    customer_id: str
    other_customer_id: str | None
    records: int
    cause: str
    detail: dict[str, Any]

    def to_document(self) -> dict[str, Any]:
        """Give the entry as plain data."""
        return asdict(self)

    @property
    def decision_id(self) -> str | None:
        """The decision of a person that did it, if one did."""
        named = self.detail.get("decision_id")
        return None if named is None else str(named)


def journal(snapshot: Snapshot, customer_id: str | None = None, most: int = MOST) -> list[JournalEntry]:
    """Give the newest entries of everybody's journal, oldest first, or of all the ids of one customer.

    An id that a customer had before counts as theirs. Raises NotFoundError where nobody has, or ever had, that id,
    ReleaseError where the release is too old to tell.
    """
    snapshot.require("identity_journal", *COLUMNS)
    ids = None if customer_id is None else _ids(snapshot, customer_id)
    rows = snapshot.rows(JOURNAL, {"ids": ids, "most": most})
    return [_entry(row) for row in reversed(rows)]


def _ids(snapshot: Snapshot, customer_id: str) -> list[str]:
    current = lookup.follow(snapshot, customer_id)
    if current is None:
        raise NotFoundError(
            f"There is no customer {customer_id!r}.",
            "Search for a name, an address or an order number.",
        )
    return [current, *lookup.earlier_ids(snapshot, current)]


def _entry(row: Row) -> JournalEntry:
    detail = row["detail"]
    return JournalEntry(**(row | {"detail": json.loads(detail) if isinstance(detail, str) else detail or {}}))
