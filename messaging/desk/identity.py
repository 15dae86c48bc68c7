"""Who is one person, decided by a colleague: two customers are one, or two records of one customer are not.

A decision names records, for ids change; it is applied by the next build and can be withdrawn.
"""

from functools import partial

from messaging.clock import Clock
from messaging.customers import Customers
from messaging.customers.records import choose, known_records
from messaging.identity_decisions import Kind, Recorded, record_decision, withdraw
from messaging.identity_decisions.record import standing_decisions
from messaging.identity_decisions.said import Decision, Record
from messaging.store import Store


def decide_identity(  # noqa: PLR0913, PLR0917 - the facts of a decision
    store: Store,
    customers: Customers,
    clock: Clock,
    kind: Kind,
    one: str,
    other: str,
    *,
    reason: str,
    actor: str,
) -> Recorded:
    """Say that what two texts name is one person (`merge`), or is not (`split`).

    A text is a customer's id, an e-mail address, a phone number, an order's number or source/record. Raises NotFoundError,
    RefusedError and UsageError as `records.choose` and `record_decision` do; nothing changed then.
    """
    with customers.reader.snapshot() as snapshot:
        first, second = choose(snapshot, kind, one, other)
        known = partial(known_records, snapshot)
        return record_decision(
            store, clock, kind, first.record, second.record, author=actor, reason=reason, known=known
        )


def take_back(store: Store, clock: Clock, decision_id: str, *, reason: str, actor: str) -> Recorded:
    """Withdraw a decision; it stays on record. Raises NotFoundError where there is none of that id."""
    return withdraw(store, clock, decision_id, author=actor, reason=reason)


def decisions_about(store: Store, customers: Customers, customer_id: str) -> tuple[Decision, ...]:
    """Give the decisions that stand and name a record of a customer, in the order in which they were taken."""
    standing = standing_decisions(store)
    if not standing:
        return ()
    with customers.reader.snapshot() as snapshot:
        rows = snapshot.rows(
            "SELECT source, source_record_id FROM c360.identity_map WHERE customer_id = $customer_id",
            {"customer_id": customer_id},
        )
    own = {Record(row["source"], row["source_record_id"]) for row in rows}
    return tuple(each for each in standing if own & {each.one, each.other})
