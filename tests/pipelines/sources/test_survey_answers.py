"""Answers to the surveys that we sent land as survey responses."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import insert

from messaging.campaigns import SHIPPED
from messaging.clock import Clock
from messaging.settings import Settings, read_settings
from messaging.store import Store, open_store
from messaging.store.heard import AUTOMATIC
from messaging.store.tables import campaign_runs, inbound_messages, messages
from pipelines.sources.survey_answers import export_surveys

NOON = datetime.fromisoformat("2026-10-30T12:00")
SURVEY, OTHER = "nps_by_sms_and_email", "win_back"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(home=tmp_path / "home")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings) as opened:
        with opened.write() as connection:
            for campaign in (SURVEY, OTHER):
                text = (SHIPPED / "campaigns" / f"{campaign}.yaml").read_text()
                content = {"campaign": {"name": campaign, "text": text}}
                run = {
                    "run_id": f"run_{campaign}",
                    "campaign": campaign,
                    "content_hash": "0",
                    "content": content,
                }
                run |= {"release_version": "1", "state": "done", "planned_at": NOON, "planned_by": "eva"}
                connection.execute(insert(campaign_runs).values(run))
                message = {"message_id": f"msg_{campaign}", "run_id": f"run_{campaign}", "campaign": campaign}
                message |= {
                    "customer_id": "cus_1",
                    "channel": "sms",
                    "address": "+442079460123",
                    "address_hash": "a",
                }
                message |= {"message_class": "marketing", "body": "0 to 10?", "state": "done"}
                connection.execute(
                    insert(messages).values(message | {"created_at": NOON, "updated_at": NOON})
                )
        yield opened


def hear(
    store: Store,
    inbound_id: str,
    body: str,
    campaign: str = SURVEY,
    keyword: str | None = None,
    payload: dict[str, str] | None = None,
) -> None:
    row = {
        "inbound_id": inbound_id,
        "channel": "sms",
        "from_address": "+442079460123",
        "body": body,
        "payload": payload or {},
    }
    row |= {"reply_to_message_id": f"msg_{campaign}", "keyword": keyword, "received_at": NOON}
    row |= {
        "provider": "twilio",
        "provider_sid": inbound_id,
        "address_hash": "a",
        "to_address": "+15005550006",
    }
    known = {column.name for column in inbound_messages.columns}
    with store.write() as connection:
        connection.execute(
            insert(inbound_messages).values({key: each for key, each in row.items() if key in known})
        )


def test_an_answer_to_a_survey_lands_with_its_score_and_nothing_else_does(
    settings: Settings, store: Store
) -> None:
    hear(store, "inb_1", "9, you were kind")
    hear(store, "inb_2", "No idea")
    hear(store, "inb_3", "STOP", keyword="stop")
    hear(store, "inb_4", "10", campaign=OTHER)
    hear(store, "inb_5", "I am away until 9.", payload={AUTOMATIC: "yes"})
    report = export_surveys(settings, store, Clock(NOON))
    assert (report.rows_in, report.accepted, report.quarantined) == (2, 2, 0)
    files = str(settings.landing_dir / "rapport" / "survey_responses" / "*.parquet")
    rows = duckdb.sql(
        f"SELECT response_id, kind, score, score_scale, answer, phone FROM '{files}' ORDER BY response_id"
    ).fetchall()
    assert rows == [
        ("inb_1", "nps", 9.0, 10, "9, you were kind", "+442079460123"),
        ("inb_2", "nps", None, 10, "No idea", "+442079460123"),
    ]
