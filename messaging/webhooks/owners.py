"""Whose address is this? Asked of the release when somebody writes to us."""

from collections.abc import Sequence

from messaging.customers.reader import Customers

_OWNERS = """
SELECT DISTINCT customer_id FROM c360.customer_identifiers
WHERE identifier_type = $kind AND value IN ($address, $digits) ORDER BY customer_id LIMIT 50
"""
SECONDS = 5.0


def owners(customers: Customers, address: str) -> Sequence[str]:
    """Give the customers who carry a normalised address; raises ReleaseError where there is no release."""
    kind = "email" if "@" in address else "phone"
    parameters = {"kind": kind, "address": address, "digits": address.removeprefix("+")}
    return [str(row["customer_id"]) for row in customers.query(_OWNERS, parameters, seconds=SECONDS)]
