"""What triggers campaigns, noted once: events that programs posted, and people who came into a segment."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Row, bindparam, select, tuple_, update

from messaging import segments
from messaging.addresses import UNKNOWN, Addresses, normalise_email, normalise_phone
from messaging.campaigns import Content
from messaging.planner.parts import Parts
from messaging.planner.triggered import OpenRun
from messaging.release import Snapshot
from messaging.segments.lists import read_lists
from messaging.store.inserts import insert_new
from messaging.store.tables import campaign_runs
from messaging.store.tables_receiver import sent_events
from messaging.store.tables_triggers import triggerings

log = structlog.get_logger(__name__)

AT_ONCE = 500  # events, or people
NAMESPACE = "events:"  # of an external id that names none, as the build takes it
OWNERS = """
SELECT asked.place, held.identifier_type AS kind, min(held.customer_id) AS customer_id
FROM (SELECT unnest(?::INTEGER[]) AS place, unnest(?::VARCHAR[]) AS kind, unnest(?::VARCHAR[]) AS value) AS asked
JOIN c360.customer_identifiers AS held ON held.identifier_type = asked.kind AND held.value = asked.value
GROUP BY ALL HAVING count(DISTINCT held.customer_id) = 1
"""
NOBODY = "It names nobody whom a release knows, and no address that can exist."
ORDER = ("external_id", "email", "phone")  # what tells best who somebody is, first


class _TakenError(Exception):
    """Another process looked at the same events just now."""


@dataclass(frozen=True)
class Heard:
    """How many events were looked at, and whether none that came before is left: one may call off what another began."""

    events: int
    is_all: bool


def hear(parts: Parts, runs: Sequence[OpenRun]) -> Heard:
    """Look at the events that nobody looked at yet, some at a time, and note what they trigger.

    What is noted and that it was looked at are one transaction: a crash loses none, and none is noted twice.
    """
    table = sent_events.c
    query = select(sent_events).where(table.looked_at.is_(None)).order_by(table.received_at, table.message_id)
    with parts.store.read() as connection:
        found = connection.execute(query.limit(AT_ONCE)).all()
    if not found:
        return Heard(0, is_all=True)
    names = frozenset[str]().union(*(run.trigger.names for run in runs))
    wanted = [row for row in found if row.name in names]
    whose = _whose(parts, wanted) if wanted else {}
    now = parts.clock.now()
    rows = [row for run in runs for row in _triggered(run, wanted, whose)]
    keys = [(row.sender, row.message_id) for row in found]
    mine = tuple_(table.sender, table.message_id).in_(keys) & table.looked_at.is_(None)
    try:
        with parts.store.write() as connection:
            looked = connection.execute(update(sent_events).where(mine).values(looked_at=now))
            _refuse_taken(looked.rowcount, len(found))
            _keep_owners(connection, whose)
            insert_new(connection, triggerings, rows)
    except _TakenError:
        return Heard(0, is_all=False)
    return Heard(len(found), is_all=len(found) < AT_ONCE)


def _refuse_taken(looked: int, found: int) -> None:
    if looked != found:
        raise _TakenError


def _keep_owners(connection: Any, whose: Mapping[tuple[str, str], str]) -> None:
    if whose:
        this = (sent_events.c.sender == bindparam("by")) & (sent_events.c.message_id == bindparam("id"))
        theirs = update(sent_events).where(this).values(customer_id=bindparam("who"))
        rows = [{"by": sender, "id": event_id, "who": who} for (sender, event_id), who in whose.items()]
        connection.execute(theirs, rows)


def _triggered(
    run: OpenRun, events: Sequence[Row[Any]], whose: Mapping[tuple[str, str], str]
) -> Iterator[dict[str, Any]]:
    for event in events:
        who = whose.get((event.sender, event.message_id))
        if event.name != run.trigger.event or event.received_at < run.opened_at:
            continue
        happened = min(event.occurred_at, event.received_at)
        noted = _noted(run, event.sender, event.message_id, who or UNKNOWN, happened)
        yield noted if who else noted | {"state": "missed", "told": NOBODY}


def _noted(run: OpenRun, sender: str, event_id: str, customer_id: str, at: datetime) -> dict[str, Any]:
    return {
        "campaign": run.campaign,
        "sender": sender,
        "event_id": event_id,
        "run_id": run.run_id,
        "customer_id": customer_id,
        "happened_at": at,
        "due_at": at + timedelta(minutes=run.trigger.wait_minutes),
        "state": "waiting",
        "told": None,
    }


def _whose(parts: Parts, events: Sequence[Row[Any]]) -> dict[tuple[str, str], str]:
    """Say whose events are: a customer's whom one of their ids names alone, else whoever it is at that address."""
    asked = [
        (place, kind, value)
        for place, event in enumerate(events)
        for kind, value in _named_by(event.event).items()
    ]
    found: dict[int, dict[str, str]] = defaultdict(dict)
    with parts.customers.reader.snapshot() as snapshot:
        columns = [list(column) for column in zip(*asked, strict=True)] or [[], [], []]
        for row in snapshot.rows(OWNERS, columns):
            found[row["place"]][row["kind"]] = row["customer_id"]
    whose = {
        (event.sender, event.message_id): _best(found[place], event.event, parts.addresses)
        for place, event in enumerate(events)
    }
    return {key: who for key, who in whose.items() if who is not None}


def _named_by(event: Mapping[str, Any]) -> dict[str, str]:
    own = event.get("external_id")
    if own:
        head, colon, rest = own.strip().partition(":")
        named = bool(colon and rest) and head.replace("_", "a").isalnum() and head == head.lower()
        own = own.strip() if named else f"{NAMESPACE}{own.strip()}"
    email, phone = _addresses(event)
    told = {"external_id": own, "email": email, "phone": phone}
    return {kind: value for kind, value in told.items() if value}


def _addresses(event: Mapping[str, Any]) -> tuple[str | None, str | None]:
    email, phone = event.get("email"), event.get("phone")
    return normalise_email(email) if email else None, normalise_phone(phone) if phone else None


def _best(known: Mapping[str, str], event: Mapping[str, Any], addresses: Addresses) -> str | None:
    for kind in ORDER:
        if kind in known:
            return known[kind]
    address = next(filter(None, _addresses(event)), None)
    return f"{UNKNOWN}{addresses.hash(address)[:32]}" if address else None


def at_address(event: Mapping[str, Any], columns: Sequence[str], customer_id: str) -> dict[str, Any]:
    """Give a row of customer_360 for somebody whom no release knows: where an event says that they can be reached."""
    email, phone = _addresses(event)
    return dict.fromkeys(columns) | {"customer_id": customer_id, "email": email, "phone": phone}


def enter(parts: Parts, run: OpenRun, content: Content) -> int:
    """Note who came into a campaign's segment with a new release; give how many. Those who were in it before are not."""
    with parts.customers.reader.snapshot() as snapshot:
        if snapshot.info.version == run.entered_until:
            return 0
        entered = _entered(parts, snapshot, run, content)
        version, now = snapshot.info.version, parts.clock.now()
    for start in range(0, len(entered), AT_ONCE):
        rows = [_noted(run, "", f"{version}/{who}", who, now) for who in entered[start : start + AT_ONCE]]
        with parts.store.write() as connection:
            insert_new(connection, triggerings, rows)
    this = (campaign_runs.c.run_id == run.run_id) & (campaign_runs.c.entered_until == run.entered_until)
    with parts.store.write() as connection:
        connection.execute(update(campaign_runs).where(this).values(entered_until=version))
    return len(entered)


def _entered(parts: Parts, snapshot: Snapshot, run: OpenRun, content: Content) -> Sequence[str]:
    with parts.store.read() as connection:
        lists = read_lists(connection, content.segment, parts.customers.merged(snapshot, connection))
        objectors = parts.customers.objectors(snapshot, connection)
    with parts.customers.reader.earlier(run.entered_until) as before:
        if before is None or before.info.version != run.entered_until:
            log.warning("triggers.release_gone", campaign=run.campaign, release=run.entered_until)
        if before is None:
            return ()
        return segments.changes(snapshot, before, content.segment, objectors, lists).entered
