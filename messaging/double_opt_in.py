"""Double opt-in: somebody is asked once whether they agree, and only their own answer from that address is a consent.

A request that waits is no consent, and runs out. The message that asks is transactional and goes once: asking again
while it waits sends nothing. The answer is a button behind a signed link, or a YES to the message.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Row, insert, select, update

from data_contracts.errors import RefusedError
from data_contracts.yaml_files import read_yaml_file
from messaging import consent
from messaging.consent_chain import ConsentEvent
from messaging.links import Links
from messaging.outbox import PlannedMessage, insert_planned
from messaging.store.ids import new_id
from messaging.store.locks import address_key, lock, person_key
from messaging.store.tables import suppressions
from messaging.store.tables_consent import consent_requests

TEXTS_FILE = Path(__file__).with_name("double_opt_in.yaml")
WAITS = timedelta(days=14)  # for an answer; ours, no law gives a number


class _Texts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    subject: dict[str, str]
    text: dict[str, str]
    mail: dict[str, str]


@dataclass(frozen=True)
class Question:
    """What somebody is asked: whether they agree to `wording` on a channel. `locale` is a language tag such as de-AT."""

    customer_id: str
    channel: str
    address: str
    address_hash: str
    wording: str
    source: str
    actor: str
    purpose: str = "marketing"
    locale: str | None = None
    consent_expires_at: datetime | None = None


@dataclass(frozen=True)
class Asked:
    """What became of a question. `is_new` is False where one waits for its answer already: nothing was sent."""

    request_id: str
    message_id: str
    expires_at: datetime
    is_new: bool


def ask(  # noqa: PLR0913, PLR0917 - what an installation is made of
    connection: Connection,
    question: Question,
    links: Links,
    company: str,
    now: datetime,
    waits: timedelta = WAITS,
) -> Asked:
    """Put the one message that asks into the outbox, in this transaction. `now` is naive UTC.

    Raises RefusedError where the address told us to stop: nobody is asked to come back.
    """
    keys = [address_key(question.address_hash), person_key(question.customer_id)]
    lock(connection, keys)
    reason = consent.suppressed(connection, [question.address_hash], question.channel).get(
        question.address_hash
    )
    if reason is not None and reason != "unsubscribe":
        raise RefusedError(
            f"The address is blocked on {question.channel} ({reason}), so it is not asked.",
            "They can answer START from it themselves.",
        )
    open_one = waiting(connection, question.address_hash, question.channel, now, question.purpose)
    if open_one is not None and open_one.customer_id == question.customer_id:
        return Asked(open_one.request_id, open_one.message_id, open_one.expires_at, is_new=False)
    asked = Asked(new_id("req"), new_id("msg"), now + waits, is_new=True)
    insert_planned(connection, [_message(question, asked, links, company)], now, queued=True)
    connection.execute(
        insert(consent_requests).values(
            request_id=asked.request_id,
            customer_id=question.customer_id,
            address_hash=question.address_hash,
            channel=question.channel,
            purpose=question.purpose,
            wording=question.wording,
            locale=question.locale,
            source=question.source,
            actor=question.actor,
            message_id=asked.message_id,
            asked_at=now,
            expires_at=asked.expires_at,
            consent_expires_at=question.consent_expires_at,
        )
    )
    return asked


def waiting(
    connection: Connection, address_hash: str, channel: str, now: datetime, purpose: str | None = None
) -> Row[Any] | None:
    """Find the newest request to an address that waits for its answer by now, None where none does."""
    table = consent_requests.c
    rows = select(consent_requests).where(
        table.address_hash == address_hash,
        table.channel == channel,
        table.granted_at.is_(None),
        table.expires_at > now,
    )
    if purpose is not None:
        rows = rows.where(table.purpose == purpose)
    return connection.execute(rows.order_by(table.asked_at.desc(), table.request_id.desc()).limit(1)).first()


def find(connection: Connection, request_id: str) -> Row[Any] | None:
    """Find a request by its id."""
    return connection.execute(
        select(consent_requests).where(consent_requests.c.request_id == request_id)
    ).first()


def grant(
    connection: Connection, request: Row[Any], at: datetime, method: str, evidence: dict[str, Any]
) -> str | None:
    """Take the answer to a request as a consent; gives the event's id, or None where it had run out by `at`.

    A second answer is the first one's. It takes an unsubscribing of this address back, but no STOP.
    """
    lock(connection, [address_key(request.address_hash), person_key(request.customer_id)])
    current = find(connection, request.request_id)
    assert current is not None
    if current.event_id is not None:
        return str(current.event_id)
    if current.expires_at <= at:
        return None
    event = ConsentEvent(
        channel=request.channel,
        purpose=request.purpose,
        action="grant",
        legal_basis="consent",
        occurred_at=at,
        source=request.source,
        actor="customer",
        method=f"double opt-in, {method}",
        customer_id=request.customer_id,
        address_hash=request.address_hash,
        source_record_id=f"request/{request.request_id}",
        locale=request.locale,
        wording=request.wording,
        evidence=evidence | {"request_id": request.request_id, "message_id": request.message_id},
        expires_at=request.consent_expires_at,
    )
    event_id = consent.record(connection, event, at)
    here = consent_requests.c.request_id == request.request_id
    connection.execute(update(consent_requests).where(here).values(granted_at=at, event_id=event_id))
    if request.purpose == "marketing":
        _resubscribe(connection, request, at)
    return event_id


def _resubscribe(connection: Connection, request: Row[Any], at: datetime) -> None:
    table = suppressions.c
    connection.execute(
        update(suppressions)
        .where(table.address_hash == request.address_hash, table.channel == request.channel)
        .where(table.lifted_at.is_(None), table.reason == "unsubscribe")
        .values(lifted_at=at)
    )


def _message(question: Question, asked: Asked, links: Links, company: str) -> PlannedMessage:
    texts, language = _texts(), (question.locale or "en")[:2].lower()
    facts = {
        "company": company,
        "wording": question.wording.strip(),
        "link": links.confirm(asked.request_id),
        "until": f"{asked.expires_at:%Y-%m-%d}",
    }
    bodies = texts.mail if question.channel == "email" else texts.text
    subject = texts.subject.get(language, texts.subject["en"]).format(**facts)
    return PlannedMessage(
        message_id=asked.message_id,
        customer_id=question.customer_id,
        channel=question.channel,
        address=question.address,
        address_hash=question.address_hash,
        body=bodies.get(language, bodies["en"]).format(**facts),
        subject=subject if question.channel == "email" else None,
        message_class="transactional",
        purpose="service",
    )


@lru_cache(maxsize=1)
def _texts() -> _Texts:
    return read_yaml_file(TEXTS_FILE).checked(_Texts)
