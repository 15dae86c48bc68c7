"""What readers did with a run's messages: opened, clicked, complained; machines apart, each message once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, case, func, select

from messaging.deliverability import count
from messaging.planner.views import Readers, VariantReaders
from messaging.store.tables import messages
from messaging.store.tables_receiver import tracking_events

KINDS = {"open": "opened", "click": "clicked"}  # in the provider's word


def readers_by_variant(connection: Connection, run_id: str) -> dict[str, VariantReaders]:
    """Count for each variant of a run the messages that a provider took, and what their readers did."""
    table = messages.c
    went = select(table.variant, func.count()).where(
        table.run_id == run_id, table.variant.is_not(None), table.accepted_at.is_not(None)
    )
    rows: Sequence[Any] = connection.execute(went.group_by(table.variant).order_by(table.variant)).all()
    return {
        str(name): VariantReaders(int(number), readers_of(connection, run_id, name)) for name, number in rows
    }


def readers_of(connection: Connection, run_id: str, variant: str | None = None) -> Readers:
    """Count the messages of a run, or of one of its variants, by what their readers did.

    What a person and a machine opened was opened. Whose mailbox loads no pictures opens unseen, so opens are at least so
    many. Bounces and complaints are those of marketing, at which the breaker looks.
    """
    ours = select(messages.c.message_id).where(messages.c.run_id == run_id)
    if variant is not None:
        ours = ours.where(messages.c.variant == variant)
    table = tracking_events.c
    by_person = func.max(case((table.machine, 0), else_=1)).label("by_person")
    each = (
        select(table.kind, by_person)
        .where(table.message_id.in_(ours), table.kind.in_(KINDS))
        .group_by(table.message_id, table.kind)
        .subquery()
    )
    rows = select(each.c.kind, each.c.by_person, func.count()).group_by(each.c.kind, each.c.by_person)
    told: Sequence[Any] = connection.execute(rows).all()
    found = {(KINDS[kind], bool(person)): int(number) for kind, person, number in told}
    harm = _harm(connection, run_id, variant)
    return Readers(
        opened=found.get(("opened", True), 0),
        opened_by_machines=found.get(("opened", False), 0),
        clicked=found.get(("clicked", True), 0),
        clicked_by_machines=found.get(("clicked", False), 0),
        bounced=harm["bounced"],
        complained=harm["complained"],
    )


def _harm(connection: Connection, run_id: str, variant: str | None) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for each in count(connection, run_id, variant=variant):
        total.update(bounced=each.bounced, complained=each.complained)
    return total
