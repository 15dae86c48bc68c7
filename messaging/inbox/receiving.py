"""What people write back: each message is stored once, linked to what it answers, and STOP is obeyed."""

from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.exc import IntegrityError

from data_contracts.errors import RapportError
from messaging import consent, double_opt_in
from messaging.addresses import Addresses, normalise
from messaging.clock import Clock
from messaging.complaints import Complaint, open_for_each
from messaging.inbox.answers import Asker, claim_answer
from messaging.inbox.complaints import complains, read_complaint_words
from messaging.inbox.doubts import Unproven, doubt, hold, obey_softly
from messaging.inbox.keywords import Keyword, read_keywords
from messaging.inbox.late import SAID_AT, overtaken
from messaging.inbox.meaning import command_in, opt_out_in, opt_out_of_program, stop_as_words
from messaging.inbox.messages import NOBODY, Company, FindCustomers, Heard, Inbound, InboundReceipt
from messaging.inbox.opt_outs import OptOut, languages
from messaging.inbox.reviews import Spoken, obey
from messaging.store import Store
from messaging.store.heard import AUTOMATIC
from messaging.store.ids import new_id
from messaging.store.tables import inbound_messages, messages

log = structlog.get_logger(__name__)

LEFT_US = ("calling", "accepted", "done", "unknown")  # states of a message that may have reached the person


def receive(  # noqa: PLR0913, PLR0917 - what an installation is made of
    store: Store,
    addresses: Addresses,
    inbound: Inbound,
    clock: Clock,
    find_customers: FindCustomers,
    company: Company = NOBODY,
) -> InboundReceipt:
    """Store an inbound message and obey its keyword, in one transaction; the same one again changes nothing.

    STOP suppresses the address and revokes marketing on this channel for everybody who owns the address, by
    the outbox or by what `find_customers` knows (it takes a normalised address and gives customer ids). START
    takes that back, and so does a YES where a question of ours waits for it, of a sender who is proven: anybody else's
    lies in the review list and changes nothing. An opt-out in their own words is obeyed as STOP is, and lies there too;
    so does one of a sender who is not proven, which ends marketing alone, and one of a program, which changes nothing.
    Where the provider does not answer and `company` has a name, the receipt holds our one answer to a STOP or a HELP.
    """
    heard = hear(addresses, inbound, clock, find_customers, company)
    try:
        with store.write() as connection:
            return record(connection, heard)
    except IntegrityError:  # another process stored the same message between our look and our insert
        with store.read() as connection:
            known = _known(connection, inbound)
        if known is None:
            raise
        return known


def _owners(address: str, find_customers: FindCustomers) -> list[str]:
    """Ask who owns an address; a STOP must not fail because there is no release to look into."""
    try:
        return list(find_customers(address))
    except RapportError as error:
        log.warning("inbound.owners_unknown", reason=type(error).__name__)
        return []


def read_rules() -> None:
    """Read the words that people command, leave and complain with, once a process: a second.

    Whoever hears messages does it before the first, for whose writer it would be too late. Raises InputError with the
    line of what is wrong in a file.
    """
    read_keywords()
    languages()
    read_complaint_words()


def hear(
    addresses: Addresses,
    inbound: Inbound,
    clock: Clock,
    find_customers: FindCustomers,
    company: Company = NOBODY,
) -> Heard:
    """Find out whose address it is and what the words mean to us, before any transaction: both take their time."""
    given = inbound.from_address.strip()
    channel = "email" if "@" in given else inbound.channel
    address = normalise(channel, given) or given  # a name, a short code: kept as it is
    owners = _owners(address, find_customers)
    in_words = None if inbound.automatic else opt_out_in(inbound)
    held = opt_out_of_program(inbound, channel, address) if inbound.automatic else None
    angry = not inbound.automatic and complains(inbound.body, str(inbound.payload.get("subject") or ""))
    return Heard(
        inbound, address, addresses.hash(address), owners, clock.now(), company, in_words, angry, held
    )


def record(connection: Connection, heard: Heard) -> InboundReceipt:
    """Store what was heard and obey it, in the caller's transaction; `receive` says how."""
    known = _known(connection, heard.inbound)
    if known is not None:
        return known
    answered = _last_message_to(connection, heard)
    question = double_opt_in.waiting(connection, heard.address_hash, heard.channel, heard.said_at)
    if question is not None and (answered is None or answered.message_id != question.message_id):
        question = None  # a yes to something else that we asked since, or before our question has left us
    meant = command_in(heard, asked=question is not None)
    in_words = heard.in_words if meant is None else None
    if (meant is not None or in_words is not None) and overtaken(connection, heard, meant):
        meant = in_words = None
    doubted = meant == "start" and heard.inbound.proven_by is None
    keyword = None if doubted else meant
    opt_out = stop_as_words(heard.inbound) if keyword == "stop" and heard.is_unproven else in_words
    writer = _writer(answered, heard.owners)
    receipt = InboundReceipt(
        inbound_id=new_id("inb"),
        duplicate=False,
        keyword=keyword,
        customer_id=writer,
        reply_to_message_id=answered.message_id if answered else None,
        review_id=new_id("rev") if opt_out or heard.held or doubted else None,
        answer=_answer(connection, heard, keyword, in_words, writer),
    )
    _store(connection, heard, receipt)
    if heard.held is not None:
        hold(connection, _unproven(heard, receipt), heard.held)
    elif opt_out is not None and heard.is_unproven:
        obey_softly(connection, _unproven(heard, receipt), opt_out)
    elif opt_out is not None:
        obey(connection, _spoken(heard, receipt), opt_out)
    elif doubted:
        doubt(connection, _unproven(heard, receipt))
    elif question is not None and keyword == "start":
        double_opt_in.grant(connection, question, heard.said_at, "reply", _evidence(heard, receipt))
    else:
        _obey(connection, heard, receipt)
    if heard.complains:
        writers = [receipt.customer_id] if receipt.customer_id else heard.owners
        record_id = f"message/{heard.inbound.provider_sid}"
        told = Complaint(
            heard.inbound.provider, record_id, "message", heard.said_at, address_hash=heard.address_hash
        )
        open_for_each(connection, told, writers)
    log.info(
        "inbound.received",
        inbound_id=receipt.inbound_id,
        keyword=receipt.keyword,
        review_id=receipt.review_id,
        complaint=heard.complains,
    )
    return receipt


def _answer(
    connection: Connection,
    heard: Heard,
    keyword: Keyword | None,
    in_words: OptOut | None,
    writer: str | None,
) -> str | None:
    """Give what we answer, where we are somebody, the provider has not answered, and we have not of late."""
    inbound, words = heard.inbound, read_keywords()
    asked_for: Keyword | None = "stop" if in_words else keyword
    if not heard.company.name or asked_for is None or inbound.opt_out is not None or inbound.said_at:
        return None  # nobody waits any more for an answer to what we heard late
    if words.answers_itself(inbound.provider, heard.channel, inbound.body):
        return None
    language = in_words.language if in_words else "en"
    answer = words.answer(asked_for, heard.company.name, heard.company.contact, language)
    people = {*heard.owners, *([writer] if writer else [])}
    asker = Asker(heard.address_hash, heard.channel, people)
    return answer if answer and claim_answer(connection, asker, asked_for, heard.at) else None


def _spoken(heard: Heard, receipt: InboundReceipt) -> Spoken:
    return Spoken(
        review_id=receipt.review_id or "",
        inbound_id=receipt.inbound_id,
        channel=heard.channel,
        address_hash=heard.address_hash,
        customer_id=receipt.customer_id,
        owners=tuple(heard.owners),
        source=heard.inbound.provider,
        source_record_id=f"message/{heard.inbound.provider_sid}",
        at=heard.said_at,
    )


def _unproven(heard: Heard, receipt: InboundReceipt) -> Unproven:
    return Unproven(
        review_id=receipt.review_id or "",
        inbound_id=receipt.inbound_id,
        came_by=heard.inbound.channel,
        channel=heard.channel,
        address_hash=heard.address_hash,
        customer_id=receipt.customer_id,
        owners=tuple(heard.owners),
        source=heard.inbound.provider,
        source_record_id=f"message/{heard.inbound.provider_sid}",
        words=heard.inbound.body.strip(),
        at=heard.said_at,
    )


def _evidence(heard: Heard, receipt: InboundReceipt) -> dict[str, Any]:
    """Say which message it was, and of an opt-in by what we know whose it is."""
    proof = heard.inbound.proven_by if receipt.keyword == "start" else None
    return {"inbound_id": receipt.inbound_id} | ({"proven_by": proof} if proof else {})


def _writer(answered: Row[Any] | None, owners: Sequence[str]) -> str | None:
    """Say who wrote: whom we last wrote to at this address, else its owner where there is just one."""
    if answered is not None:
        return str(answered.customer_id)
    return owners[0] if len(owners) == 1 else None


def _last_message_to(connection: Connection, heard: Heard) -> Row[Any] | None:
    table = messages.c
    rows = (
        select(table.message_id, table.customer_id)
        .where(table.address_hash == heard.address_hash, table.channel == heard.channel)
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


def _store(connection: Connection, heard: Heard, receipt: InboundReceipt) -> None:
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
            payload=heard.inbound.payload | _told_of(heard.inbound),
        )
    )


def _told_of(inbound: Inbound) -> dict[str, str]:
    """Give what we add to a message's payload: when it was said, of one heard late, and that a program wrote it."""
    late = {SAID_AT: inbound.said_at.isoformat()} if inbound.said_at else {}
    return late | ({AUTOMATIC: "yes"} if inbound.automatic else {})


def _obey(connection: Connection, heard: Heard, receipt: InboundReceipt) -> None:
    said: dict[str, Any] = {
        "address_hash": heard.address_hash,
        "channel": heard.channel,
        "at": heard.said_at,
        "source": heard.inbound.provider,
        "source_record_id": f"message/{heard.inbound.provider_sid}",
        "customer_ids": heard.owners,
        "evidence": _evidence(heard, receipt),
    }
    if receipt.keyword == "stop":
        consent.stop(connection, **said)
    elif receipt.keyword == "start":
        consent.lift(connection, **said)
