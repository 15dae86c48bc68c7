"""What people answered to the surveys that we sent: from our own store into landing, as survey responses.

A campaign with a `survey` asks; what is answered to its messages is an answer, with a score where one is plainly told.
"""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, select

from messaging.campaigns import Survey, read_campaign
from messaging.clock import Clock
from messaging.inbox.scores import read_score
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.heard import by_a_person
from messaging.store.tables import campaign_runs, inbound_messages, messages
from pipelines.sources.outreach import OutreachReport, Record, as_raw, land_own

SOURCE, TABLE = "rapport", "survey_responses"
FORM = "2"  # raise it when a column below is filled in another way: then everything is read again


def export_surveys(settings: Settings, store: Store, clock: Clock, *, full: bool = False) -> OutreachReport:
    """Land the answers that came since they were landed last; with `full`, look at all of them again."""
    return land_own(settings, store, clock, (SOURCE, TABLE, FORM), read_answers, full=full)


def read_answers(connection: Connection, since: datetime | None = None) -> Iterator[Record]:
    """Read the store as canonical rows, all values as text; `since` (naive UTC) leaves out what came before it.

    A keyword such as STOP is no answer, nor is what a program wrote.
    """
    heard = inbound_messages.c
    query = (
        select(inbound_messages, messages.c.run_id)
        .join(messages, messages.c.message_id == heard.reply_to_message_id)
        .where(heard.keyword.is_(None), messages.c.run_id.is_not(None), by_a_person())
        .order_by(heard.inbound_id)
    )
    if since:
        query = query.where(heard.received_at >= since)
    surveys: dict[str, Survey | None] = {}
    for row in connection.execute(query):
        if row.run_id not in surveys:
            surveys[row.run_id] = _survey(connection, row.run_id)
        survey = surveys[row.run_id]
        if survey is None:
            continue
        score = read_score(row.body or "", survey.lowest, survey.highest)
        address = {"email": row.from_address} if row.channel == "email" else {"phone": row.from_address}
        yield {
            "source": SOURCE,
            "source_record_id": f"response/{row.inbound_id}",
            "occurred_at": row.received_at.isoformat(sep=" "),
            "response_id": row.inbound_id,
            "survey_id": row.run_id,
            "survey_name": survey.name,
            "kind": survey.kind,
            "score": None if score is None else str(score),
            "score_scale": str(survey.highest),
            "question": survey.question,
            "answer": row.body,
            "channel": row.channel,
            "raw_record": as_raw(message_id=row.reply_to_message_id),
            **address,
        }


def _survey(connection: Connection, run_id: str) -> Survey | None:
    table = campaign_runs.c
    run = connection.execute(select(table.content, table.campaign).where(table.run_id == run_id)).one()
    text = run.content.get("campaign", {}).get("text")
    return read_campaign(run.campaign, text).survey if text else None
