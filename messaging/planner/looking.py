"""The rendered messages of a run, to look at before anybody approves them: the ugliest first."""

import re
from collections.abc import Mapping
from typing import Any

import smsutil
from sqlalchemy import Row, select

from messaging import formats
from messaging.customers import Customers
from messaging.outbox import PlannedMessage
from messaging.planner.reports import read_run
from messaging.planner.views import ShownMessage
from messaging.store import Store
from messaging.store.tables import messages, run_audience

NAMES = """
SELECT customer_id, display_name, given_name FROM c360.customer_360 WHERE list_contains($ids, customer_id)
"""
LEFTOVERS = re.compile(r"\{\{|\}\}|\{%|\bNone\b|\bnan\b|\bNULL\b|&(amp|lt|gt|#\d+);", re.IGNORECASE)
SHOUTED = re.compile(r"\b[A-ZÄÖÜÉ]{5,}\b")
LOOSE = re.compile(r" [,.;!?]|  |,\s*,|\(\s*\)")
LONG_WORD = 28
KNOWN_SHOUTS = frozenset(("REPLY", "ANTWORTEN"))


def ugliest(store: Store, customers: Customers, run_id: str, number: int = 3) -> list[ShownMessage]:
    """Give the messages of a run that are most likely to embarrass us, with remarks on what to look at.

    What counts: no name to greet by, more SMS segments than the others, letters that force a dearer encoding,
    leftovers of a template, odd gaps, shouting, overlong words; then sheer length.
    """
    rows = _messages(store, run_id)
    names = _names(customers, [row.customer_id for row in rows])
    usual = _usual_segments(rows)
    given = {each: who.get("given_name") for each, who in names.items()}
    looked_at = [(row, remarks_on(row, given.get(row.customer_id), usual)) for row in rows]
    looked_at.sort(key=lambda each: (-len(each[1]), -len(each[0].body), each[0].customer_id))
    return [_shown(row, names, remarks) for row, remarks in _varied(looked_at, number)]


def shown_messages(store: Store, customers: Customers, run_id: str, number: int = 20) -> list[ShownMessage]:
    """Give some messages of a run as their readers will see them, in the order of their ids."""
    rows = _messages(store, run_id)[:number]
    names = _names(customers, [row.customer_id for row in rows])
    return [_shown(row, names, ()) for row in rows]


def _messages(store: Store, run_id: str) -> list[Row[Any]]:
    here = (
        (run_audience.c.run_id == messages.c.run_id)
        & (run_audience.c.customer_id == messages.c.customer_id)
        & (run_audience.c.step == messages.c.step)
    )
    query = (
        select(messages, run_audience.c.language)
        .select_from(messages.outerjoin(run_audience, here))
        .where(messages.c.run_id == run_id)
        .order_by(messages.c.message_id)
    )
    with store.read() as connection:
        read_run(connection, run_id)
        return list(connection.execute(query))


def _names(customers: Customers, ids: list[str]) -> dict[str, Mapping[str, Any]]:
    return {row["customer_id"]: row for row in customers.query(NAMES, {"ids": ids})}


def _usual_segments(rows: list[Row[Any]]) -> int:
    counted = sorted(row.segment_count for row in rows if row.segment_count)
    return counted[len(counted) // 2] if counted else 1


def remarks_on(row: Row[Any] | PlannedMessage, given: str | None, usual: int) -> tuple[str, ...]:
    """Say what might embarrass us in a message to somebody of that first name, where messages take `usual` segments."""
    text = f"{row.subject or ''} {row.body}"
    words = re.sub(r"https?://\S+", "", text).split()
    found = [
        ("greets nobody by name", not given or formats.name(given) is None),
        (f"{row.segment_count} segments, usual are {usual}", (row.segment_count or 0) > usual),
        ("letters outside GSM-7 make it dearer", row.channel == "sms" and not smsutil.is_valid_gsm(row.body)),
        ("a leftover of the template or of the data", LEFTOVERS.search(text)),
        ("an odd gap", LOOSE.search(row.body.replace("\n", " ")) and row.channel == "sms"),
        ("shouts", set(SHOUTED.findall(text)) - KNOWN_SHOUTS and given and given.isupper()),
        ("a very long word", any(len(word) > LONG_WORD for word in words)),
    ]
    return tuple(remark for remark, holds in found if holds)


def _varied(
    looked_at: list[tuple[Row[Any], tuple[str, ...]]], number: int
) -> list[tuple[Row[Any], tuple[str, ...]]]:
    """Take the ugliest, but one of each kind of ugliness first: three times the same teaches nothing."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    first: list[tuple[Row[Any], tuple[str, ...]]] = []
    rest: list[tuple[Row[Any], tuple[str, ...]]] = []
    for each in looked_at:
        kind = (each[0].channel, each[1])
        (rest if kind in seen else first).append(each)
        seen.add(kind)
    return (first + rest)[:number]


def _shown(row: Row[Any], names: Mapping[str, Mapping[str, Any]], remarks: tuple[str, ...]) -> ShownMessage:
    return ShownMessage(
        message_id=row.message_id,
        customer_id=row.customer_id,
        display_name=names.get(row.customer_id, {}).get("display_name"),
        channel=row.channel,
        language=row.language,
        subject=row.subject,
        body=row.body,
        html=row.html,
        segment_count=row.segment_count,
        remarks=remarks,
    )
