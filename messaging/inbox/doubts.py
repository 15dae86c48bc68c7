"""Opt-ins of which nobody knows whose they are: kept on the review list, and obeyed by a person's decision alone.

Whoever can type an address into a form, or into the From of a mail, could otherwise let us write to somebody who said
no. So a START or a YES counts where the sender is proven: the provider's signature over a message from that very number
or chat, a mail that DKIM or SPF passes for the domain of its From. A STOP counts from anywhere.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert

from messaging import consent, double_opt_in
from messaging.inbox.keywords import read_keywords
from messaging.store.tables_consent import opt_out_reviews

Doubt = Literal["form", "mail_unverified", "sender_unproven"]
_OF_CHANNEL: dict[str, Doubt] = {"form": "form", "email": "mail_unverified"}


@dataclass(frozen=True)
class Unproven:
    """An opt-in that somebody sent in the name of an address: which message it was, and where from."""

    review_id: str
    inbound_id: str
    came_by: str  # the channel of the message, which may be the form
    channel: str
    address_hash: str
    customer_id: str | None
    owners: tuple[str, ...]
    source: str
    source_record_id: str
    words: str
    at: datetime


def doubt(connection: Connection, said: Unproven) -> None:
    """Put an opt-in on the review list, with why it was not obeyed; nothing else changes."""
    rules_of: date = read_keywords().file.as_of
    connection.execute(
        insert(opt_out_reviews).values(
            review_id=said.review_id,
            inbound_id=said.inbound_id,
            channel=said.channel,
            address_hash=said.address_hash,
            customer_id=said.customer_id,
            source=said.source,
            source_record_id=said.source_record_id,
            scope="channel",
            language="und",
            rule="keyword",
            rules_of=rules_of.isoformat(),
            words=said.words,
            silenced={},
            asks="start",
            owners=sorted(said.owners),
            doubt=_OF_CHANNEL.get(said.came_by, "sender_unproven"),
            state="waiting",
            created_at=said.at,
        )
    )


def obey_doubted(connection: Connection, row: Row[Any], actor: str, at: datetime) -> None:
    """Do what a START or a YES does, for a person made sure whose it was. `at` is naive UTC."""
    evidence = {"inbound_id": row.inbound_id, "review_id": row.review_id}
    question = double_opt_in.waiting(connection, row.address_hash, row.channel, at)
    if question is not None:
        double_opt_in.grant(connection, question, at, "review", evidence | {"actor": actor})
        return
    consent.lift(
        connection,
        address_hash=row.address_hash,
        channel=row.channel,
        at=at,
        source=row.source,
        customer_ids=row.owners or (),
        method="review",
        actor=actor,
        source_record_id=row.source_record_id,
        evidence=evidence,
    )
