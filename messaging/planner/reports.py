"""How runs stand: who was decided what, what became of their messages, and sums that close."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import yaml
from sqlalchemy import Connection, Row, func, select

from data_contracts.errors import NotFoundError
from data_contracts.places import Document
from messaging.deliverability import standing_halts
from messaging.planner.readers import answers_of, readers_by_variant, readers_of
from messaging.planner.views import AudienceRow, ReasonCount, RunReport, RunSummary
from messaging.store import Store
from messaging.store.tables import campaign_runs, messages, run_audience

WAITING = ("queued", "sending", "calling")  # launched, and not with the provider yet
SHOWN_STATES = ("planned", "waiting", "sent", "delivered", "failed", "skipped", "unknown", "cancelled")
REASONS = {  # of a group; each person's own sentence is in the audience
    "no_address": "We have no address for them on any of the channels.",
    "invalid_address": "The address that we have for them cannot exist.",
    "suppressed": "Their address is blocked: it answered STOP, came back, or complained.",
    "opted_out": "They opted out of marketing.",
    "no_consent": "They have not agreed to marketing.",
    "consent_expired": "They had agreed to marketing, and the time of it has run out.",
    "open_complaint": "They have an open complaint, and get no marketing until it is settled.",
    "expired": "Their message was planned too long ago to go.",
    "whatsapp_window": "They have not written to us by WhatsApp within a day, and the message is no approved template.",
    "frequency_cap": "They have heard enough from us lately.",
    "state_limit": "The law where they live allows no more messages in so short a time.",
    "daily_budget": "The day's budget was promised.",
    "campaign_pace": "It is not their turn yet: the campaign sends so many an hour.",
    "unknown_time_zone": "We cannot tell what time it is where they are.",
    "merges_unknown": "The release cannot be read.",
    "contract_red": "The data behind the campaign failed its checks.",
    "duplicate_address": "Somebody else in the campaign has the same address, which gets one message at most.",
    "no_coupon": "No code of the campaign's coupons was left for them.",
    "missing_value": "The template shows something that we do not know of them.",
    "not_in_segment": "What happened triggered it, and the segment does not match them.",
    "not_renderable": "Its text could not be made of what the event tells.",
    "data_old": "The newest release is older than the campaign may go upon.",
    "already_written": "They had this campaign lately.",
    "already_held_out": "They were held out of this campaign lately, and count in that comparison.",
    "stopped": "The campaign was stopped before their message went.",
    "failed": "The provider could not deliver it.",
    "unknown": "We do not know whether it went, and do not send it again.",
}
NO_HOUR = "No hour is allowed in all the places where they may be."


def read_run(connection: Connection, run_id: str) -> Row[Any]:
    """Read a run's row. Raises NotFoundError."""
    found = connection.execute(select(campaign_runs).where(campaign_runs.c.run_id == run_id)).first()
    if found is None:
        raise NotFoundError(f"There is no run {run_id!r}.", "See `rapport campaign list`.")
    return found


def list_runs(store: Store, campaign: str | None = None, limit: int = 50) -> list[RunSummary]:
    """Give the newest runs, of one campaign or of all."""
    query = select(campaign_runs.c.run_id).where(campaign_runs.c.state != "planning")
    if campaign:
        query = query.where(campaign_runs.c.campaign == campaign)
    query = query.order_by(campaign_runs.c.planned_at.desc(), campaign_runs.c.run_id.desc()).limit(limit)
    with store.read() as connection:
        return [summarise(connection, row.run_id) for row in connection.execute(query)]


def summarise(
    connection: Connection,
    run_id: str,
    notices: Sequence[str] = (),
    nameless: int | None = None,
) -> RunSummary:
    """Tell how a run was decided; `nameless` of those to send are greeted without a name, where counted."""
    run = read_run(connection, run_id)
    decided = _decided(connection, run_id)
    to_send = _where(decided, "send")
    return RunSummary(
        run_id=run_id,
        campaign=run.campaign,
        title=_title(run),
        state=run.state,
        matched=sum(row.people for row in decided),
        to_send=sum(row.people for row in to_send),
        held_out=sum(row.people for row in _where(decided, "holdout")),
        excluded=_count(_where(decided, "excluded"), "reason"),
        by_channel=_count(to_send, "channel"),
        by_language=_count(to_send, "language"),
        waiting_for_hours=sum(row.people for row in to_send if row.reason == "quiet_hours"),
        without_name=nameless,
        release_version=run.release_version,
        content_hash=run.content_hash,
        planned_at=run.planned_at,
        planned_by=run.planned_by,
        approved_by=run.approved_by,
        halted=_halted(connection, run),
        notices=tuple(notices),
    )


def report(store: Store, run_id: str) -> RunReport:
    """Count a run through. Raises SumsDoNotCloseError when its parts do not add up, NotFoundError."""
    with store.read() as connection:
        run = read_run(connection, run_id)
        decided = _decided(connection, run_id)
        told = _messages(connection, run_id)
        replies, stops = answers_of(connection, run_id)
        halted = _halted(connection, run)
        readers, cost = readers_of(connection, run_id), _cost(connection, run_id)
        by_variant = readers_by_variant(connection, run_id)
    states: Counter[str] = Counter()
    by_channel: dict[str, Counter[str]] = defaultdict(Counter)
    for row in told:
        states[_shown_state(row)] += row.number
        by_channel[row.channel][_shown_state(row)] += row.number
    return RunReport(
        run_id=run_id,
        campaign=run.campaign,
        title=_title(run),
        state=run.state,
        matched=sum(row.people for row in decided),
        to_send=sum(row.people for row in _where(decided, "send")),
        held_out=sum(row.people for row in _where(decided, "holdout")),
        excluded=_reasons([(row.reason, NO_HOUR, row.people) for row in _where(decided, "excluded")]),
        messages={state: states[state] for state in SHOWN_STATES if states[state]},
        not_sent=_not_sent(told),
        by_channel={channel: dict(counts) for channel, counts in sorted(by_channel.items())},
        replies=replies,
        stops=stops,
        segments=sum(int(row.segments or 0) for row in told if _shown_state(row) in {"sent", "delivered"}),
        release_version=run.release_version,
        planned_at=run.planned_at,
        planned_by=run.planned_by,
        approved_at=run.approved_at,
        approved_by=run.approved_by,
        launched_at=run.launched_at,
        finished_at=run.finished_at,
        halted=halted,
        readers=readers,
        by_variant=by_variant,
        cost=cost,
    ).check()


def audience(  # noqa: PLR0913 - of whom, and which page
    store: Store,
    run_id: str,
    decision: str | None = None,
    reason: str | None = None,
    *,
    limit: int = 200,
    offset: int = 0,
) -> list[AudienceRow]:
    """List who is in a run, what was decided and what became of it; of one decision or reason, if given.

    Always in the same order, so that `offset` turns its pages.
    """
    table = run_audience.c
    query = (
        select(run_audience, messages.c.message_id, messages.c.state, messages.c.provider_status)
        .select_from(
            run_audience.outerjoin(
                messages,
                (messages.c.run_id == table.run_id)
                & (messages.c.customer_id == table.customer_id)
                & (messages.c.step == table.step),
            )
        )
        .where(table.run_id == run_id)
        .order_by(table.decision, table.customer_id, table.step)
        .limit(limit)
        .offset(offset)
    )
    query = query.where(table.decision == decision) if decision else query
    query = query.where(table.reason == reason) if reason else query
    with store.read() as connection:
        read_run(connection, run_id)
        return [
            AudienceRow(
                customer_id=row.customer_id,
                decision=row.decision,
                reason=row.reason,
                detail=row.detail,
                channel=row.channel,
                language=row.language,
                message_id=row.message_id,
                message_state=row.provider_status or row.state,
            )
            for row in connection.execute(query)
        ]


def _decided(connection: Connection, run_id: str) -> Sequence[Row[Any]]:
    table = run_audience.c
    keys = (table.decision, table.reason, table.channel, table.language)
    query = select(*keys, func.count().label("people"))
    return connection.execute(query.where(table.run_id == run_id).group_by(*keys)).all()


def _where(rows: Sequence[Row[Any]], decision: str) -> list[Row[Any]]:
    return [row for row in rows if row.decision == decision]


def _count(rows: Sequence[Row[Any]], key: str) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for row in rows:
        counted[getattr(row, key) or ""] += row.people
    return dict(counted.most_common())


def _messages(connection: Connection, run_id: str) -> Sequence[Row[Any]]:
    table = messages.c
    keys = (table.channel, table.state, table.provider_status, table.reason, table.error_code)
    query = select(
        *keys,
        func.min(table.detail).label("detail"),
        func.count().label("number"),
        func.sum(table.segment_count).label("segments"),
    )
    return connection.execute(query.where(table.run_id == run_id).group_by(*keys)).all()


def _shown_state(row: Row[Any]) -> str:
    if row.state in WAITING:
        return "waiting"
    if row.state in {"accepted", "done"}:
        return "delivered" if row.provider_status in {"delivered", "read"} else "sent"
    return str(row.state)


def _not_sent(told: Sequence[Row[Any]]) -> tuple[ReasonCount, ...]:
    rows = []
    for row in told:
        state = _shown_state(row)
        if state in {"failed", "skipped", "cancelled", "unknown"} or (state == "waiting" and row.reason):
            reason = row.reason or (f"provider_{row.error_code}" if row.error_code else state)
            rows.append((reason, row.detail or REASONS.get(state), row.number))
    return _reasons(rows)


def _reasons(rows: Sequence[tuple[str | None, str | None, int]]) -> tuple[ReasonCount, ...]:
    """Add up by reason, the commonest first, with a sentence for the group, or that of one of them."""
    people: Counter[str] = Counter()
    sentences: dict[str, str] = {}
    for reason, sentence, number in rows:
        people[reason or ""] += number
        sentences.setdefault(reason or "", REASONS.get(reason or "") or sentence or "")
    return tuple(ReasonCount(reason, sentences[reason], number) for reason, number in people.most_common())


def _halted(connection: Connection, run: Row[Any]) -> str | None:
    halt = standing_halts(connection, [run.run_id]).get(run.run_id) if run.state == "paused" else None
    return halt.sentence if halt else None


def _cost(connection: Connection, run_id: str) -> int:
    called = select(func.sum(messages.c.cost)).where(messages.c.run_id == run_id)
    return int(connection.execute(called).scalar() or 0)


def _title(run: Row[Any]) -> str:
    try:
        return str(Document(run.content["campaign"]["text"]).values["title"])
    except (KeyError, TypeError, yaml.YAMLError):
        return str(run.campaign)
