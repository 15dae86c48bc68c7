"""Why somebody got a message or not, in sentences: for whoever has to answer the customer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from data_contracts.contracts import published_contract
from data_contracts.errors import NotFoundError
from messaging import consent, segments
from messaging.campaigns import read_content
from messaging.consent import KnownAs
from messaging.customers import Customers
from messaging.customers.merges import Merges
from messaging.planner.reports import read_run
from messaging.policy.words import channel_name
from messaging.quiet_hours import local_time
from messaging.segments.lists import read_lists
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import attempts, campaign_runs, inbound_messages, messages, run_audience
from messaging.store.tables_triggers import triggerings

STATES = {
    "planned": "It is planned and waits for the campaign to be launched.",
    "queued": "It waits for its turn.",
    "sending": "It is about to go.",
    "calling": "It is being handed to the provider this moment.",
    "accepted": "The provider has taken it.",
    "done": "It has arrived.",
    "skipped": "It was not sent.",
    "failed": "It did not get through.",
    "unknown": "We do not know whether it went, and do not send it again.",
    "cancelled": "It was called back before it went.",
}


def why_message(
    store: Store, message_id: str, zone: str, people: Mapping[str, KnownAs] | None = None
) -> list[str]:
    """Say how a message came to be and what became of it; `people` are those who had or shared several ids.

    Days and times are those of `zone`. Raises NotFoundError.
    """
    with store.read() as connection:
        row = connection.execute(select(messages).where(messages.c.message_id == message_id)).first()
        if row is None:
            raise NotFoundError(f"There is no message {message_id!r}.", "Its id begins with msg_.")
        person = (people or {}).get(row.customer_id) or KnownAs((row.customer_id,))
        origin = _origin(connection, row, zone)
        fate = [each for each in _fate(connection, row, zone) if not any(each in told for told in origin)]
        return [*origin, *_consent(connection, row, person, zone), *fate, *_answers(connection, row, zone)]


def why_customer(
    store: Store, customers: Customers, settings: Settings, customer_id: str, campaign: str
) -> list[str]:
    """Say why a customer did or did not get a campaign, by its newest run. Raises NotFoundError."""
    zone = settings.time_zone
    card = customers.get(customer_id, limit=1)
    ids = (card.customer_id, *card.aliases)
    with store.read() as connection:
        run = _newest_run(connection, campaign)
        rows = select(run_audience).where(
            run_audience.c.run_id == run.run_id, run_audience.c.customer_id.in_(ids)
        )
        decided = connection.execute(rows.order_by(run_audience.c.step.desc())).first()
        sent = connection.execute(
            select(messages.c.message_id)
            .where(messages.c.run_id == run.run_id, messages.c.customer_id.in_(ids))
            .order_by(messages.c.step.desc())
        ).scalar()
    when = f"The newest run of {campaign!r} was planned on {_day(run.planned_at, zone)} by {run.planned_by}."
    if decided is None:
        return [when, *_unmatched(store, customers, settings, run, card.customer_id)]
    told = {"send": "They are to get it.", "holdout": "They get nothing.", "excluded": "They were left out."}
    sentences = [when, told[decided.decision], *([decided.detail] if decided.detail else [])]
    people = Merges(customers.reader, store)()
    return sentences + (why_message(store, sent, zone, people) if sent else [])


def _newest_run(connection: Connection, campaign: str) -> Row[Any]:
    query = (
        select(campaign_runs)
        .where(campaign_runs.c.campaign == campaign, campaign_runs.c.state != "planning")
        .order_by(campaign_runs.c.planned_at.desc(), campaign_runs.c.run_id.desc())
        .limit(1)
    )
    found = connection.execute(query).first()
    if found is None:
        raise NotFoundError(
            f"Campaign {campaign!r} was never planned.",
            f"Plan it on its page, or by `rapport campaign plan {campaign}`.",
        )
    return found


def _unmatched(
    store: Store, customers: Customers, settings: Settings, run: Row[Any], customer_id: str
) -> list[str]:
    """Say which of the segment's rules keep a customer out, as the release knows them today."""
    contract = published_contract("customer_360")
    segment = read_content(run.content, contract).segment
    with customers.reader.snapshot() as snapshot, store.read() as connection:
        facts = customers.facts(snapshot, connection, customer_id)
        lists = read_lists(connection, segment, customers.merged(snapshot, connection))
        someone = segments.person(snapshot, segment, facts, lists)
        failing = segments.failing(segment.rule, someone, snapshot.info.as_of)
    if not failing:
        return ["The segment did not match them when the run was planned; it would today."]
    title = segment.title
    return [
        f"They are not among “{title}”, for this does not hold: {segments.describe(rule, contract, settings.currency)}."
        for rule in failing
    ]


def _origin(connection: Connection, row: Row[Any], zone: str) -> list[str]:
    if row.run_id is None:
        day = _day(row.created_at, zone)
        return [f"It was written on {day} as a {row.message_class} message by {channel_name(row.channel)}."]
    run = read_run(connection, row.run_id)
    cause = cause_of(connection, row.message_id)
    sentences = [f"It belongs to campaign {run.campaign!r}, {_when(run, cause, zone)}"]
    if run.approved_by:
        sentences.append(f"{run.approved_by} approved that content on {_day(run.approved_at, zone)}.")
    decided = select(run_audience.c.detail).where(
        run_audience.c.run_id == row.run_id,
        run_audience.c.customer_id == row.customer_id,
        run_audience.c.step == row.step,
    )
    return sentences + [row.detail for row in connection.execute(decided) if row.detail]


def _when(run: Row[Any], cause: Row[Any] | None, zone: str) -> str:
    if cause is None:
        return f"planned on {_day(run.planned_at, zone)} by {run.planned_by}."
    day = _day(cause.happened_at, zone)
    if cause.sender:
        return f"triggered by their event {cause.event_id!r} from {cause.sender} on {day}."
    return f"triggered as they came into its segment on {day}."


def cause_of(connection: Connection, message_id: str) -> Row[Any] | None:
    """Give what triggered a message, none where it was planned."""
    return connection.execute(select(triggerings).where(triggerings.c.message_id == message_id)).one_or_none()


def _consent(connection: Connection, row: Row[Any], person: KnownAs, zone: str) -> list[str]:
    if row.message_class != "marketing":
        return [f"Its class is {row.message_class}, which needs no consent to marketing."]
    stands = consent.state(connection, person, row.address_hash, row.channel, row.purpose)
    if stands is None:
        return ["Today there is no consent for it."]
    word = "given" if stands.granted else "withdrawn"
    day = _day(stands.occurred_at, zone)
    return [f"Today's consent: {word} on {day} ({stands.method}, from {stands.source})."]


def _fate(connection: Connection, row: Row[Any], zone: str) -> list[str]:
    sentences = [STATES[row.state]]
    if row.detail:
        sentences.append(row.detail)
    if row.send_after and row.state in {"planned", "queued"}:
        sentences.append(f"It goes on {local_time(row.send_after, zone):%-d %B %Y at %H:%M} at the earliest.")
    calls = select(attempts.c.number, attempts.c.outcome).where(attempts.c.message_id == row.message_id)
    made = connection.execute(calls.where(attempts.c.outcome.is_distinct_from("not_made"))).all()
    if made:
        number = len(made)
        sentences.append(f"The provider was called {'once' if number == 1 else f'{number} times'}.")
    if row.provider_status:
        code = f" with code {row.error_code}" if row.error_code else ""
        sentences.append(f"Its last word was “{row.provider_status}”{code}.")
    return sentences


def _answers(connection: Connection, row: Row[Any], zone: str) -> list[str]:
    query = (
        select(inbound_messages.c.received_at, inbound_messages.c.keyword)
        .where(inbound_messages.c.reply_to_message_id == row.message_id)
        .order_by(inbound_messages.c.received_at)
    )
    return [
        f"They answered on {_day(each.received_at, zone)}{', asking us to stop' if each.keyword == 'stop' else ''}."
        for each in connection.execute(query)
    ]


def _day(moment: datetime, zone: str) -> str:
    return f"{local_time(moment, zone):%-d %B %Y}"
