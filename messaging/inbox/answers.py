"""How often a STOP and a HELP are answered: a machine that answers our answer shall not write with us for ever.

A STOP is answered once an address and channel, until somebody opted in there again: whoever says it twice knows that it
was heard, and a second confirmation is a message to somebody who said no. A HELP is answered once in five minutes. One
row of the store holds either, so that of two messages at once just one is answered.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from messaging.inbox.keywords import Keyword
from messaging.store.tables import consent_events
from messaging.store.tables_consent import keyword_answers

HELP_AGAIN = timedelta(minutes=5)  # ours: soon enough for a person who asks anew, too slow for two machines


@dataclass(frozen=True)
class Asker:
    """Who may get an answer: an address on a channel, and who is behind it as far as is known."""

    address_hash: str
    channel: str
    customer_ids: Collection[str]


def claim_answer(connection: Connection, asker: Asker, keyword: Keyword, at: datetime) -> bool:
    """Say whether this is the one to answer, and note that it was, in the caller's transaction. `at` is naive UTC."""
    table = keyword_answers
    opted_in = _last_opt_in(connection, asker)
    row = {
        "address_hash": asker.address_hash,
        "channel": asker.channel,
        "keyword": keyword,
        "answered_at": at,
        "opted_in": opted_in,
    }
    due: ColumnElement[bool] = table.c.opted_in < opted_in
    if keyword == "help":
        due = table.c.answered_at <= at - HELP_AGAIN
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).on_conflict_do_update(
        index_elements=[table.c.address_hash, table.c.channel, table.c.keyword],
        set_={"answered_at": at, "opted_in": opted_in},
        where=due,
    )
    options = {"preserve_rowcount": True}
    return connection.execute(statement, row, execution_options=options).rowcount > 0


def _last_opt_in(connection: Connection, asker: Asker) -> int:
    """Give the number of the last event by which they opted in here, or an opt-out was found to be none; 0 for none.

    Its place in the chain and not its time: two of one moment have an order, too.
    """
    events = consent_events.c
    theirs = or_(events.address_hash == asker.address_hash, events.customer_id.in_(asker.customer_ids))
    newest = select(func.max(events.sequence)).where(
        theirs, events.channel == asker.channel, events.purpose == "marketing", events.action != "revoke"
    )
    return connection.execute(newest).scalar() or 0
