"""What people write back: each message is stored once, linked to what it answers, and STOP is obeyed."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import structlog
from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.exc import IntegrityError

from data_contracts.errors import RapportError
from messaging import consent
from messaging.addresses import Addresses, normalise
from messaging.clock import Clock
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables import inbound_messages, messages

log = structlog.get_logger(__name__)

Keyword = Literal["stop", "start", "help"]
KEYWORDS: dict[str, Keyword] = {
    **dict.fromkeys(("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"), "stop"),
    **dict.fromkeys(("START", "YES", "UNSTOP"), "start"),
    **dict.fromkeys(("HELP", "INFO"), "help"),
}
# Around a word that ends something, typed or put there by a phone; a word that begins something is taken exactly.
CARELESS = ".!,;:\"'()[]*- \u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\u200b\u200d\u2060\ufe0f\ufeff"
LEFT_US = ("calling", "accepted", "done", "unknown")  # states of a message that may have reached the person

FindCustomers = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Inbound:
    """A message that somebody wrote to us, as a provider handed it over."""

    provider: str
    provider_sid: str
    channel: str
    from_address: str
    to_address: str
    body: str
    payload: dict[str, Any]
    opt_out: Keyword | None = None  # what the provider took it for, and acted upon


@dataclass(frozen=True)
class InboundReceipt:
    """What became of an inbound message. `duplicate` means that it was here before and nothing was done."""

    inbound_id: str
    duplicate: bool
    keyword: Keyword | None
    customer_id: str | None
    reply_to_message_id: str | None


def keyword_of(body: str) -> Keyword | None:
    """Give the keyword that the whole message is, or None: "please don't stop my order" is none."""
    word = unicodedata.normalize("NFKC", body).strip().upper()
    found = KEYWORDS.get(word)
    if found is None and KEYWORDS.get(word.strip(CARELESS)) == "stop":
        return "stop"
    return found


def receive(
    store: Store, addresses: Addresses, inbound: Inbound, clock: Clock, find_customers: FindCustomers
) -> InboundReceipt:
    """Store an inbound message and obey its keyword, in one transaction; the same one again changes nothing.

    STOP suppresses the address and revokes marketing on this channel for everybody who owns the address, by
    the outbox or by what `find_customers` knows (it takes a normalised address and gives customer ids). START
    takes that back.
    """
    given = inbound.from_address.strip()
    address = normalise(inbound.channel, given) or given  # a name, a short code: kept as it is
    owners = _owners(address, find_customers)
    heard = _Heard(inbound, address, addresses.hash(address), owners, clock.now())
    try:
        with store.write() as connection:
            return _receive(connection, heard)
    except IntegrityError:  # another process stored the same message between our look and our insert
        with store.read() as connection:
            known = _known(connection, inbound)
        if known is None:
            raise
        return known


@dataclass(frozen=True)
class _Heard:
    """An inbound message with what was found out before the transaction."""

    inbound: Inbound
    address: str
    address_hash: str
    owners: Sequence[str]
    at: datetime


def _owners(address: str, find_customers: FindCustomers) -> list[str]:
    """Ask who owns an address; a STOP must not fail because there is no release to look into."""
    try:
        return list(find_customers(address))
    except RapportError as error:
        log.warning("inbound.owners_unknown", reason=type(error).__name__)
        return []


def _receive(connection: Connection, heard: _Heard) -> InboundReceipt:
    known = _known(connection, heard.inbound)
    if known is not None:
        return known
    answered = _last_message_to(connection, heard)
    receipt = InboundReceipt(
        inbound_id=new_id("inb"),
        duplicate=False,
        keyword=keyword_of(heard.inbound.body) or heard.inbound.opt_out,
        customer_id=_writer(answered, heard.owners),
        reply_to_message_id=answered.message_id if answered else None,
    )
    _store(connection, heard, receipt)
    _obey(connection, heard, receipt)
    log.info("inbound.received", inbound_id=receipt.inbound_id, keyword=receipt.keyword)
    return receipt


def _writer(answered: Row[Any] | None, owners: Sequence[str]) -> str | None:
    """Say who wrote: whom we last wrote to at this address, else its owner where there is just one."""
    if answered is not None:
        return str(answered.customer_id)
    return owners[0] if len(owners) == 1 else None


def _last_message_to(connection: Connection, heard: _Heard) -> Row[Any] | None:
    table = messages.c
    rows = (
        select(table.message_id, table.customer_id)
        .where(table.address_hash == heard.address_hash, table.channel == heard.inbound.channel)
        .where(table.state.in_(LEFT_US))
        .order_by(table.calling_at.desc(), table.message_id.desc())
        .limit(1)
    )
    return connection.execute(rows).first()


def _known(connection: Connection, inbound: Inbound) -> InboundReceipt | None:
    table = inbound_messages.c
    rows = select(table.inbound_id, table.keyword, table.customer_id, table.reply_to_message_id).where(
        table.provider == inbound.provider, table.provider_sid == inbound.provider_sid
    )
    row = connection.execute(rows).first()
    if row is None:
        return None
    return InboundReceipt(row.inbound_id, True, row.keyword, row.customer_id, row.reply_to_message_id)


def _store(connection: Connection, heard: _Heard, receipt: InboundReceipt) -> None:
    connection.execute(
        insert(inbound_messages).values(
            inbound_id=receipt.inbound_id,
            provider=heard.inbound.provider,
            provider_sid=heard.inbound.provider_sid,
            channel=heard.inbound.channel,
            from_address=heard.address,
            to_address=heard.inbound.to_address,
            address_hash=heard.address_hash,
            body=heard.inbound.body,
            keyword=receipt.keyword,
            customer_id=receipt.customer_id,
            reply_to_message_id=receipt.reply_to_message_id,
            received_at=heard.at,
            payload=heard.inbound.payload,
        )
    )


def _obey(connection: Connection, heard: _Heard, receipt: InboundReceipt) -> None:
    said: dict[str, Any] = {
        "address_hash": heard.address_hash,
        "channel": heard.inbound.channel,
        "at": heard.at,
        "source": heard.inbound.provider,
        "source_record_id": f"message/{heard.inbound.provider_sid}",
        "customer_ids": heard.owners,
        "evidence": {"inbound_id": receipt.inbound_id},
    }
    if receipt.keyword == "stop":
        consent.stop(connection, **said)
    elif receipt.keyword == "start":
        consent.lift(connection, **said)
