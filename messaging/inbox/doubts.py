"""Words of which nobody knows whose they are: kept on the review list, where a person decides.

Whoever can type an address into a form, or into the From of a mail, could otherwise let us write to somebody who said
no, or cut somebody off from the receipts of their orders. So a START or a YES counts where the sender is proven: the
provider's signature over a message from that very number or chat, a mail that DKIM or SPF passes for the domain of its
From. An opt-out of anybody else ends marketing to that address and to no other, until a person confirms it or the
address itself says so. What a program wrote is nobody's word, but a person may have: it changes nothing and is shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert

from messaging import consent, double_opt_in
from messaging.inbox.keywords import read_keywords
from messaging.inbox.opt_outs import OptOut
from messaging.store.tables_consent import opt_out_reviews

Doubt = Literal["form", "mail_unverified", "sender_unproven", "automatic"]
_OF_CHANNEL: dict[str, Doubt] = {"form": "form", "email": "mail_unverified"}


@dataclass(frozen=True)
class Unproven:
    """What somebody sent in the name of an address: which message it was, and where from."""

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
    found = OptOut("und", "keyword", said.words, "channel", rules_of)
    _list(connection, said, found, "start", _doubt_of(said))


def hold(connection: Connection, said: Unproven, found: OptOut) -> None:
    """Put an opt-out that a program wrote on the review list; nothing else changes."""
    _list(connection, said, found, "stop", "automatic")


def obey_softly(connection: Connection, said: Unproven, found: OptOut) -> None:
    """End marketing to the address that was given, on its own channel alone, and put the opt-out on the review list.

    Receipts go on, and an address that is suppressed already stays as it is.
    """
    before = consent.suppressed(connection, [said.address_hash], said.channel).get(said.address_hash)
    consent.stop(
        connection,
        address_hash=said.address_hash,
        channel=said.channel,
        at=said.at,
        source=said.source,
        customer_ids=said.owners,
        reason="unsubscribe",
        method="words",
        source_record_id=said.source_record_id,
        evidence={"inbound_id": said.inbound_id, "review_id": said.review_id, "rule": found.rule},
    )
    silenced = {} if before else {said.channel: None}
    _list(connection, said, found, "stop", _doubt_of(said), silenced)


def _doubt_of(said: Unproven) -> Doubt:
    return _OF_CHANNEL.get(said.came_by, "sender_unproven")


def _list(  # noqa: PLR0913, PLR0917 - the columns that differ
    connection: Connection,
    said: Unproven,
    found: OptOut,
    asks: Literal["stop", "start"],
    why: Doubt,
    silenced: Mapping[str, None] = MappingProxyType({}),
) -> None:
    connection.execute(
        insert(opt_out_reviews).values(
            review_id=said.review_id,
            inbound_id=said.inbound_id,
            channel=said.channel,
            address_hash=said.address_hash,
            customer_id=said.customer_id,
            source=said.source,
            source_record_id=said.source_record_id,
            scope=found.scope,
            language=found.language,
            rule=found.rule,
            rules_of=found.rules_of.isoformat(),
            words=found.words,
            silenced=dict(silenced),
            asks=asks,
            owners=sorted(said.owners),
            doubt=why,
            state="waiting",
            created_at=said.at,
        )
    )


def obey_doubted(connection: Connection, row: Row[Any], actor: str, at: datetime) -> None:
    """Do what a START, a YES or an opt-out does, for a person made sure whose it was. `at` is naive UTC."""
    evidence = {"inbound_id": row.inbound_id, "review_id": row.review_id}
    if row.asks == "stop":
        stop = consent.stop_everywhere if row.scope == "everything" else consent.stop
        stop(
            connection,
            address_hash=row.address_hash,
            channel=row.channel,
            at=at,
            source=row.source,
            customer_ids=row.owners or (),
            method="words",
            # a record of its own: the message has said so before, and its writer may have taken that back since
            source_record_id=f"review/{row.review_id}",
            evidence=evidence | {"rule": row.rule, "confirmed_by": actor},
        )
        return
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
