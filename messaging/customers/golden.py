"""Where each value of a customer comes from, and why that record won: the golden record as people read it."""

from dataclasses import dataclass
from datetime import datetime

from messaging.release import Snapshot

ATTRIBUTES = (  # in the order in which people say them
    "given_name",
    "family_name",
    "birth_date",
    "email",
    "phone",
    "street",
    "city",
    "postcode",
    "country",
    "language",
    "time_zone",
)
KINDS = {  # what a record is, by how its id begins (the inbound contracts hold it to that)
    "contact": "contact record",
    "line": "order",
    "shipment": "parcel",
    "message": "message",
    "ticket": "ticket",
    "call": "call",
    "review": "review",
    "response": "survey answer",
    "submission": "form",
    "consent": "consent record",
    "event": "event",
    "outreach": "message of ours",
}
REASONS = {  # the rule that decided
    "only value": "no record says otherwise",
    "source_priority": "this one comes from the more trusted source",
    "stated": "this one stands in a contact record",
    "completeness": "this one is the most complete",
    "recency": "this one is the newest",
    "frequency": "most records say this one",
    "alphabet": "only the alphabet tells them apart",
}

GOLDEN = """
SELECT attribute, value, source, source_record_id, occurred_at, rule, candidates
FROM c360.identity_golden WHERE customer_id = $customer_id
ORDER BY list_position($attributes, attribute) NULLS LAST, attribute
"""


@dataclass(frozen=True)
class GoldenValue:
    """One value of a customer and the record that it was taken from; `occurred_at` is naive UTC.

    `candidates` counts the different values that records had, this one included; of a name or a postal address,
    which are taken whole, the different whole ones.
    """

    attribute: str
    value: str
    source: str
    source_record_id: str
    occurred_at: datetime
    rule: str
    candidates: int

    @property
    def record(self) -> str:
        """Say which record it is: the shopify contact record."""
        kind = KINDS.get(self.source_record_id.split("/", 1)[0], "record")
        return f"the {self.source.replace('_', ' ')} {kind}"

    @property
    def reason(self) -> str:
        """Say why this value won."""
        return REASONS.get(self.rule, self.rule)


def golden_record(snapshot: Snapshot, customer_id: str) -> tuple[GoldenValue, ...]:
    """Read where the values of one customer come from; nothing from a release that was built before it was kept."""
    if not snapshot.has("identity_golden"):
        return ()
    found = snapshot.rows(GOLDEN, {"customer_id": customer_id, "attributes": list(ATTRIBUTES)})
    return tuple(GoldenValue(**row) for row in found)
