"""The review list: opt-outs in people's own words, obeyed at once; a person confirms each, or lifts what was none.

Lifting takes back what that one message changed and nothing else: who had agreed has agreed again, who never had has
not, and a STOP that came since stays. What nobody proved lies here too, with the `doubt`: opt-ins (`asks` is start), which
changed nothing and count from the moment that somebody confirms them, and opt-outs, which then count in full.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select, update

from data_contracts.errors import NotFoundError, RefusedError
from messaging import consent
from messaging.consent_chain import ConsentEvent
from messaging.consent_words import withdrawals
from messaging.inbox.doubts import obey_doubted
from messaging.inbox.opt_outs import OptOut
from messaging.store.tables import consent_events, inbound_messages, suppressions
from messaging.store.tables_consent import opt_out_reviews

State = Literal["waiting", "confirmed", "lifted"]
MOST_LISTED = 200


@dataclass(frozen=True)
class Spoken:
    """The message that was taken for an opt-out: where it came from, and whose address it is."""

    review_id: str
    inbound_id: str
    channel: str
    address_hash: str
    customer_id: str | None
    owners: tuple[str, ...]
    source: str
    source_record_id: str
    at: datetime


@dataclass(frozen=True)
class Review:
    """One opt-out in somebody's own words, or an opt-in (`asks`), with why it was not obeyed, or not in full (`doubt`).

    `body` is what they wrote, `words` what of it matched; times are naive UTC.

    `still_silent` names the channels on which the address stays suppressed although it was lifted, for somebody
    said so besides.
    """

    review_id: str
    state: State
    channel: str
    scope: str
    customer_id: str | None
    body: str
    words: str
    language: str
    rule: str
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    asks: Literal["stop", "start"] = "stop"
    doubt: str | None = None
    still_silent: tuple[str, ...] = ()


def obey(connection: Connection, spoken: Spoken, found: OptOut) -> None:
    """Suppress as STOP does, on this channel or on every one, and put the message on the review list."""
    channels = _channels(spoken.channel, found.scope)
    before = {
        each: consent.suppressed(connection, [spoken.address_hash], each).get(spoken.address_hash)
        for each in channels
    }
    said: dict[str, Any] = {
        "address_hash": spoken.address_hash,
        "channel": spoken.channel,
        "at": spoken.at,
        "source": spoken.source,
        "source_record_id": spoken.source_record_id,
        "customer_ids": spoken.owners,
        "method": "words",
        "evidence": {"inbound_id": spoken.inbound_id, "review_id": spoken.review_id, "rule": found.rule},
    }
    if found.scope == "everything":
        consent.stop_everywhere(connection, **said)
    else:
        consent.stop(connection, **said)
    connection.execute(
        insert(opt_out_reviews).values(
            review_id=spoken.review_id,
            inbound_id=spoken.inbound_id,
            channel=spoken.channel,
            address_hash=spoken.address_hash,
            customer_id=spoken.customer_id,
            source=spoken.source,
            source_record_id=spoken.source_record_id,
            scope=found.scope,
            language=found.language,
            rule=found.rule,
            rules_of=found.rules_of.isoformat(),
            words=found.words,
            silenced={
                each: reason
                for each, reason in before.items()
                if reason is None or consent.hardness(reason) < consent.hardness("stop")
            },
            state="waiting",
            created_at=spoken.at,
        )
    )


def list_reviews(
    connection: Connection, state: State | None = "waiting", limit: int = MOST_LISTED
) -> list[Review]:
    """List the reviews of a state, or of any, the oldest first."""
    table = opt_out_reviews.c
    rows = _joined().order_by(table.created_at, table.review_id).limit(limit)
    if state is not None:
        rows = rows.where(table.state == state)
    return [_review(row) for row in connection.execute(rows)]


def confirm(connection: Connection, review_id: str, actor: str, at: datetime) -> Review:
    """Say that it was an opt-out, which it stays; or that what was in doubt is theirs, which counts from now on.

    Raises NotFoundError, or RefusedError where it was lifted.
    """
    row = _waiting_or_done(connection, review_id, "confirmed")
    if row.doubt and row.state == "waiting":
        obey_doubted(connection, row, actor, at)
    _decide(connection, row, "confirmed", actor, at)
    return _one(connection, review_id)


def lift(connection: Connection, review_id: str, actor: str, at: datetime) -> Review:
    """Take back what the message changed, for it was no opt-out. Raises NotFoundError, or RefusedError if confirmed."""
    row = _waiting_or_done(connection, review_id, "lifted")
    if row.asks == "start" or row.doubt == "automatic":  # it changed nothing, and never will
        _decide(connection, row, "lifted", actor, at)
        return _one(connection, review_id)
    said = ConsentEvent(
        channel=row.channel,
        purpose="marketing",
        action="void",
        legal_basis="consent",
        occurred_at=at,
        source=row.source,
        actor=actor,
        method="review",
        evidence={"review_id": review_id, "inbound_id": row.inbound_id},
    )
    consent.take_back(connection, row.source, row.source_record_id, said)
    channels = _channels(row.channel, row.scope)
    still = tuple(each for each in channels if not _unsuppress(connection, row, each, at))
    _decide(connection, row, "lifted", actor, at)
    return _one(connection, review_id, still)


def _channels(channel: str, scope: str) -> Sequence[str]:
    if scope == "channel":
        return (channel,)
    return consent.MAIL if channel == "email" else consent.PHONE


def _unsuppress(connection: Connection, row: Row[Any], channel: str, at: datetime) -> bool:
    """Lift a suppression once no opt-out stands behind it; say whether the address is free of it.

    The review that began it may have been lifted before this one, whose message said the same meanwhile.
    """
    table, events = suppressions.c, consent_events.c
    here = (table.address_hash == row.address_hash) & (table.channel == channel)
    silence = connection.execute(
        select(table.since, table.reason).where(here, table.lifted_at.is_(None))
    ).first()
    ours = "unsubscribe" if row.doubt else "stop"
    if silence is None or consent.hardness(silence.reason) < consent.hardness(ours):
        return True
    of_it = (events.address_hash == row.address_hash) & (events.channel == channel)
    if silence.reason != ours or withdrawals(connection, of_it, silence.since):
        return False
    began = _before(connection, row.address_hash, channel, silence.since)
    if began is None:
        return False  # no message on this list made it
    softer = began[channel]  # an address that was unsubscribed before is so again
    values: dict[str, Any] = {"reason": softer} if softer else {"lifted_at": at}
    return bool(connection.execute(update(suppressions).where(here).values(**values)).rowcount)


def _before(
    connection: Connection, address_hash: str, channel: str, since: datetime
) -> Mapping[str, str | None] | None:
    """Give how an address stood, by channel, before the message that suppressed it at that moment; None for none."""
    table = opt_out_reviews.c
    rows = select(table.silenced).where(table.address_hash == address_hash, table.created_at == since)
    found: Iterable[Mapping[str, str | None]] = connection.execute(rows).scalars()
    return next((silenced for silenced in found if channel in silenced), None)


def _waiting_or_done(connection: Connection, review_id: str, wanted: State) -> Row[Any]:
    table = opt_out_reviews
    query = select(table).where(table.c.review_id == review_id)
    if connection.dialect.name == "postgresql":
        query = query.with_for_update()
    row = connection.execute(query).first()
    if row is None:
        raise NotFoundError(f"There is no review {review_id}.", "`rapport consent review list` names them.")
    if row.state not in {"waiting", wanted}:
        raise RefusedError(
            f"{review_id} was {row.state} by {row.decided_by}.",
            "Record what they say now with `rapport consent grant` or `revoke`.",
        )
    return row


def _decide(connection: Connection, row: Row[Any], state: State, actor: str, at: datetime) -> None:
    if row.state == "waiting":
        here = opt_out_reviews.c.review_id == row.review_id
        values = {"state": state, "decided_at": at, "decided_by": actor}
        connection.execute(update(opt_out_reviews).where(here).values(**values))


def _joined() -> Any:
    inbound = inbound_messages.c
    return select(opt_out_reviews, inbound.body).join(
        inbound_messages, inbound.inbound_id == opt_out_reviews.c.inbound_id
    )


def _one(connection: Connection, review_id: str, still_silent: tuple[str, ...] = ()) -> Review:
    row = connection.execute(_joined().where(opt_out_reviews.c.review_id == review_id)).one()
    return _review(row, still_silent)


def _review(row: Row[Any], still_silent: tuple[str, ...] = ()) -> Review:
    return Review(
        review_id=row.review_id,
        state=row.state,
        channel=row.channel,
        scope=row.scope,
        customer_id=row.customer_id,
        body=row.body,
        words=row.words,
        language=row.language,
        rule=row.rule,
        created_at=row.created_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        asks=row.asks,
        doubt=row.doubt,
        still_silent=still_silent,
    )
