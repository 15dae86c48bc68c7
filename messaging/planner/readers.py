"""What readers did with a run's messages: opened, clicked, complained, answered; machines apart, each message once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, case, false, func, or_, select

from messaging.deliverability import count
from messaging.planner.views import Readers, VariantReaders
from messaging.store.heard import by_a_person
from messaging.store.tables import consent_events, inbound_messages, messages
from messaging.store.tables_consent import opt_out_reviews
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


def answers_of(connection: Connection, run_id: str) -> tuple[int, int]:
    """Count the messages of a run that were answered, and those whose readers asked to hear no more: by word or by link.

    Each message once, however often somebody wrote. What a program wrote is no answer, unless a person found an opt-out in
    it; an opt-out in words counts until a person finds that it was none.
    """
    heard, said = inbound_messages.c, opt_out_reviews.c
    held = (said.doubt == "automatic") & (said.state == "waiting")
    in_words = and_(
        said.inbound_id == heard.inbound_id,
        said.asks == "stop",
        said.state != "lifted",
        ~func.coalesce(held, false()),
    )
    stops = or_(func.coalesce(heard.keyword, "") == "stop", said.inbound_id.is_not(None))
    ours = select(messages.c.message_id).where(messages.c.run_id == run_id)
    rows = (
        select(heard.reply_to_message_id, stops.label("stops"))
        .select_from(inbound_messages.outerjoin(opt_out_reviews, in_words))
        .where(heard.reply_to_message_id.in_(ours), or_(by_a_person(), stops))
    )
    found: Sequence[Any] = connection.execute(rows).all()
    stopped = {row.reply_to_message_id for row in found if row.stops}
    return len({row.reply_to_message_id for row in found if not row.stops}), len(
        stopped | _left(connection, run_id)
    )


def _left(connection: Connection, run_id: str) -> set[str]:
    """Name the messages of a run whose link to leave was followed."""
    mails = select(messages.c.message_id).where(messages.c.run_id == run_id, messages.c.channel == "email")
    table = consent_events.c
    followed = (
        select(table.source_record_id)
        .where(table.source_record_id.like("unsubscribe/%"), table.action == "revoke")
        .distinct()
    )
    named = {
        row.source_record_id.removeprefix("unsubscribe/").split("#", 1)[0]
        for row in connection.execute(followed)
    }
    return named.intersection(connection.execute(mails).scalars())
