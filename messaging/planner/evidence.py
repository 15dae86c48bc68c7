"""Why somebody got a message, with the proof of each step: from the records of its source to the provider's last word."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from data_contracts.contracts import load_contract, published_contract
from data_contracts.model import Contract
from messaging import formats, outbox, segments
from messaging.addresses import UNKNOWN
from messaging.campaigns import Content, read_content
from messaging.consent import KnownAs
from messaging.customers import Customers
from messaging.planner.reports import read_run
from messaging.planner.whys import cause_of, why_message
from messaging.policy import Limits
from messaging.quiet_hours import QuietRules
from messaging.release import Snapshot
from messaging.segments.lists import read_lists
from messaging.store import Store
from messaging.store.tables import (
    attempts,
    consent_events,
    contract_status,
    inbound_messages,
    messages,
    provider_events,
    run_audience,
)
from messaging.store.tables_limits import campaign_approvals
from messaging.store.tables_receiver import tracking_events

MOST = 10  # rows of a kind; the newest ones
HISTORY = """
SELECT * FROM c360.customer_360_history
WHERE list_contains($ids, customer_id) AND valid_from <= $moment AND (valid_to > $moment OR valid_to IS NULL)
ORDER BY valid_from DESC LIMIT 1
"""
GOLDEN = """
SELECT attribute, source, source_record_id, occurred_at, rule FROM c360.identity_golden
WHERE customer_id = ? AND attribute IN ('email', 'phone', 'given_name', 'language', 'country', 'time_zone')
ORDER BY attribute
"""
RECORDS = """
SELECT source, count(*) AS records FROM c360.identity_map WHERE customer_id = ? GROUP BY source ORDER BY source
"""
FITS = "SELECT model, state, fitted_at FROM c360.model_fits ORDER BY model"


@dataclass(frozen=True)
class Fact:
    """One thing that is known; `proof` says from where, such as an id, a hash or a version."""

    what: str
    value: str
    proof: str = ""


@dataclass(frozen=True)
class Step:
    """One step on the way to a message, with all that it stood on."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Why:
    """How a message came to be: in a few sentences, and step by step. It names the person's values, and no address."""

    message_id: str
    customer_id: str
    sentences: tuple[str, ...]
    steps: tuple[Step, ...]

    def to_document(self) -> dict[str, Any]:
        """Give it as plain data."""
        document = asdict(self)
        return {"why": document.pop("sentences"), **document}


@dataclass(frozen=True)
class Asked:
    """What the question is asked of: the moment (naive UTC), the company's currency and zone, and the rules of today."""

    now: datetime
    currency: str
    zone: str
    rules: QuietRules
    limits: Limits


def evidence(store: Store, customers: Customers, message_id: str, asked: Asked) -> Why:
    """Put together why a message is there. Raises NotFoundError, and ReleaseError where no release can be read."""
    everybody = customers.everybody()
    sentences = why_message(store, message_id, asked.zone, everybody)
    contract = published_contract("customer_360")
    with customers.reader.snapshot() as snapshot, store.read() as connection:
        row = connection.execute(select(messages).where(messages.c.message_id == message_id)).one()
        person = everybody.get(row.customer_id) or KnownAs((row.customer_id,))
        steps = [_message(row)]
        if row.run_id is not None:
            run, cause = read_run(connection, row.run_id), cause_of(connection, row.message_id)
            content = read_content(run.content, contract)
            release = cause.release_version if cause is not None else run.release_version
            steps += [
                _campaign(connection, run, cause),
                _segment(
                    customers, snapshot, connection, row, release, content, person, contract, asked.currency
                ),
                _lot(row, content),
                _data(snapshot, connection, release, content),
            ]
        steps += [
            _records(customers, snapshot, connection, row),
            _consent(connection, row, person),
            _gate(connection, row, asked, everybody),
            _calls(connection, row),
        ]
    return Why(message_id, row.customer_id, tuple(sentences), tuple(steps))


def _message(row: Row[Any]) -> Step:
    facts = [
        Fact("channel", row.channel),
        Fact("class", f"{row.message_class}, for {row.purpose}"),
        Fact("written", _moment(row.created_at), row.message_id),
    ]
    if row.template:
        facts.append(Fact("template", row.template, f"version {row.template_hash}"))
    facts.append(Fact("text", f"{len(row.body):,} characters", f"SHA-256 {_hash(row.body)}"))
    return Step("The message", tuple(facts))


def _campaign(connection: Connection, run: Row[Any], cause: Row[Any] | None) -> Step:
    table = campaign_approvals.c
    given = connection.execute(
        select(table.approved_by, table.approved_at)
        .where(table.run_id == run.run_id)
        .order_by(table.approved_at)
    )
    facts = [
        Fact("campaign", run.campaign, run.run_id),
        Fact("planned", f"{_moment(run.planned_at)} by {run.planned_by}", f"content {run.content_hash}"),
        *(Fact("approved", f"{_moment(each.approved_at)} by {each.approved_by}") for each in given),
    ]
    if run.launched_at:
        facts.append(Fact("launched", _moment(run.launched_at)))
    if cause is not None:
        what = f"event {cause.event_id} from {cause.sender}" if cause.sender else "coming into the segment"
        facts.append(
            Fact("triggered", f"{_moment(cause.happened_at)} by {what}", f"due {_moment(cause.due_at)}")
        )
    return Step("The campaign", tuple(facts))


def _segment(  # noqa: PLR0913, PLR0917 - what a segment looks at
    customers: Customers,
    snapshot: Snapshot,
    connection: Connection,
    row: Row[Any],
    release: str,
    content: Content,
    person: KnownAs,
    contract: Contract,
    currency: str,
) -> Step:
    """Say of each rule whether it holds, and of each column what was known when the message was written."""
    segment, rule = content.segment, content.segment.rule
    if row.customer_id.startswith(UNKNOWN):
        return Step("Why they", (Fact("known", "to no release when it was written, but for their address"),))
    facts = customers.facts(snapshot, connection, row.customer_id)
    lists = read_lists(connection, segment, customers.merged(snapshot, connection))
    someone = segments.person(snapshot, segment, facts, lists)
    parts = rule.rules if isinstance(rule, segments.Joined) and rule.word == "all" else (rule,)
    same = release == snapshot.info.version
    proof = f"by release {snapshot.info.version}" + ("" if same else ", of today")
    found = [Fact("segment", segment.title, f"{segment.name}, as it was planned")]
    for part in parts:
        word = "holds" if segments.holds(part, someone, snapshot.info.as_of) else "does not hold"
        found.append(Fact(segments.describe(part, contract, currency), word, proof))
    then = _then(snapshot, person, row.created_at)
    for name in dict.fromkeys(segments.columns_of(rule)):
        column = contract.column(name)
        known = column.history and then is not None
        value = then[name] if known and then is not None else facts.get(name)
        when = f"as known since {_moment(then['valid_from'])}" if known and then is not None else proof
        found.append(Fact(column.title, _value(name, value, currency), when))
    return Step("Why they", tuple(found))


def _then(snapshot: Snapshot, person: KnownAs, moment: datetime) -> Mapping[str, Any] | None:
    if not snapshot.has("customer_360_history"):
        return None
    return snapshot.row(HISTORY, {"ids": list(person.ids), "moment": moment})


def _lot(row: Row[Any], content: Content) -> Step:
    """Give the draws, which anybody can repeat."""
    campaign = content.campaign
    held = _drawn(f"{campaign.holdout.salt}:{row.customer_id}")
    facts = [
        Fact(
            "holdout",
            f"{held:.4f} of 1; those below {campaign.holdout.share:g} hear nothing",
            f"sha256(“{campaign.holdout.salt}:{row.customer_id}”)",
        )
    ]
    if row.variant:
        variant = _drawn(f"{campaign.holdout.salt}:variant:{row.customer_id}")
        shares = ", ".join(f"{each.name} {each.share}" for each in campaign.variants)
        facts.append(
            Fact(
                "variant",
                f"{row.variant}: {variant:.4f} of 1, shared {shares}",
                f"sha256(“{campaign.holdout.salt}:variant:{row.customer_id}”)",
            )
        )
    return Step("The lot", tuple(facts))


def _data(snapshot: Snapshot, connection: Connection, release: str, content: Content) -> Step:
    info = snapshot.info
    facts = [Fact("release of the plan", release)]
    if info.version != release:
        facts.append(Fact("release of today", info.version, f"as of {_moment(info.as_of)}"))
    states: dict[str, str] = {
        each.table_name: each.state
        for each in connection.execute(select(contract_status.c.table_name, contract_status.c.state))
    }
    facts += [
        Fact(f"checks of {name}", states.get(name, "never run"), f"contract {load_contract(name).version}")
        for name in content.campaign.stands_on
    ]
    if snapshot.has("model_fits"):
        facts += [
            Fact(f"model {each['model']}", each["state"], f"fitted {_moment(each['fitted_at'])}")
            for each in snapshot.rows(FITS)
        ]
    return Step("The data", tuple(facts))


def _records(customers: Customers, snapshot: Snapshot, connection: Connection, row: Row[Any]) -> Step:
    """Name the records that say who this is, and where what the message shows of them is from."""
    current = customers.merged(snapshot, connection).current(row.customer_id)
    moved = f"{row.customer_id} until a merge" if current != row.customer_id else ""
    facts = [Fact("customer", current, moved)]
    if snapshot.has("identity_map"):
        facts += [
            Fact(f"records of {each['source']}", f"{each['records']:,}")
            for each in snapshot.rows(RECORDS, [current])
        ]
    if snapshot.has("identity_golden"):
        facts += [
            Fact(
                each["attribute"].replace("_", " "),
                f"from {each['source']}, {each['rule']}",
                f"record {each['source_record_id']}",
            )
            for each in snapshot.rows(GOLDEN, [current])
        ]
    return Step("Whose records", tuple(facts))


def _consent(connection: Connection, row: Row[Any], person: KnownAs) -> Step:
    """Give what was said of this purpose and channel, newest first, and what came after the call."""
    if row.message_class != "marketing":
        return Step("Consent", (Fact("asked for", f"no: a {row.message_class} message needs none"),))
    table = consent_events.c
    who = table.customer_id.in_(person.everything) | (table.address_hash == row.address_hash)
    said = connection.execute(
        select(consent_events)
        .where(who, table.channel == row.channel, table.purpose == row.purpose)
        .order_by(table.sequence.desc())
        .limit(MOST)
    ).all()
    facts = [
        Fact(
            f"{each.action}, {_moment(each.occurred_at)}",
            f"by {each.method} from {each.source}, {each.legal_basis}"
            + (", after this was sent" if row.calling_at and each.recorded_at > row.calling_at else ""),
            f"{each.event_id}, chain {each.hash[:16]}",
        )
        for each in said
    ]
    return Step("Consent", tuple(facts) or (Fact("said", "nothing"),))


def _gate(connection: Connection, row: Row[Any], asked: Asked, everybody: outbox.AllIds) -> Step:
    decided = select(run_audience.c.detail).where(
        run_audience.c.run_id == row.run_id,
        run_audience.c.customer_id == row.customer_id,
        run_audience.c.step == row.step,
    )
    facts = [Fact("when it was planned", each.detail) for each in connection.execute(decided) if each.detail]
    if row.calling_at:
        facts.append(Fact("when it was sent", "every check said yes", _moment(row.calling_at)))
    elif row.detail:
        facts.append(Fact("when its turn came", row.detail, row.reason or ""))
    checks = outbox.examined(connection, row.message_id, asked.now, asked.rules, asked.limits, everybody)
    facts += [
        Fact(words, blocked.sentence if blocked else "yes", "asked again now") for words, blocked in checks
    ]
    return Step("The gate", tuple(facts))


def _calls(connection: Connection, row: Row[Any]) -> Step:
    facts = [*_of_calls(connection, row), *_of_readers(connection, row)]
    state = Fact("state", row.state, row.provider_sid or "")
    return Step("What became of it", (state, *facts))


def _of_calls(connection: Connection, row: Row[Any]) -> Iterator[Fact]:
    made = select(attempts).where(attempts.c.message_id == row.message_id).order_by(attempts.c.number)
    for each in connection.execute(made):
        code = f", code {each.error_code}" if each.error_code else ""
        yield Fact(
            f"call {each.number}, {_moment(each.started_at)}",
            f"{each.outcome or 'under way'}{code}",
            each.provider_sid or each.attempt_id,
        )
    heard = select(provider_events).where(provider_events.c.message_id == row.message_id)
    for each in connection.execute(heard.order_by(provider_events.c.received_at, provider_events.c.event_id)):
        code = f", code {each.error_code}" if each.error_code else ""
        yield Fact(f"{each.provider}, {_moment(each.received_at)}", f"{each.status}{code}", each.event_id)


def _of_readers(connection: Connection, row: Row[Any]) -> Iterator[Fact]:
    table = tracking_events.c
    did = select(table.kind, table.machine, table.occurred_at).where(table.message_id == row.message_id)
    for each in _newest(connection.execute(did.order_by(table.occurred_at.desc()).limit(MOST)).all()):
        yield Fact(
            f"{each.kind}, {_moment(each.occurred_at)}", "by a machine" if each.machine else "by a person"
        )
    heard = inbound_messages.c
    answers = select(heard.inbound_id, heard.received_at, heard.keyword).where(
        heard.reply_to_message_id == row.message_id
    )
    for each in connection.execute(answers.order_by(heard.received_at).limit(MOST)):
        word = "asking us to stop" if each.keyword == "stop" else "an answer"
        yield Fact(f"heard, {_moment(each.received_at)}", word, each.inbound_id)


def _newest(rows: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
    return rows[::-1]


def _drawn(text: str) -> float:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _value(name: str, value: Any, currency: str) -> str:
    if value is None or value == "":
        return "not known"
    if name.endswith("_minor"):
        return formats.money(value, currency)
    return _moment(value) if isinstance(value, datetime) else str(value)


def _moment(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"
