"""The second net for opt-outs: a build knows whose they are, and finds those that landed without us."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select

from messaging.clock import Clock
from messaging.settings import Settings
from messaging.store import open_store
from messaging.store.tables import consent_events, suppressions
from pipelines.defs.build import run_build
from pipelines.sources.intake import ingest

from .conftest import PURCHASES, consent, land, purchase, text_message


def _ingest(settings: Settings, clock: Clock, path: Path, rows: list[Any]) -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    values = {column: pa.array([row.get(column) for row in rows], pa.string()) for column in columns}
    pq.write_table(pa.table(values), path)
    ingest(settings, clock, path.stem, [path])


def _stored(settings: Settings, table: Any) -> list[Any]:
    with open_store(settings) as store, store.read() as connection:
        return list(connection.execute(select(table)))


def test_a_build_tells_the_people_of_what_ingest_knew_by_address_alone(
    settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    land(settings, clock, "purchases", [*PURCHASES, purchase(5, external_id="K-7")])
    said = [consent(1, "revoke", email="ada.quill@example.com"), consent(2, "revoke", external_id="K-7")]
    _ingest(settings, clock, tmp_path / "consents.parquet", said)
    _ingest(settings, clock, tmp_path / "sms_messages.parquet", [text_message(6, "STOP", "+447700900002")])
    assert [event.customer_id for event in _stored(settings, consent_events)] == [None, None]

    counts = run_build(settings, clock).consents
    assert (counts["consents_recorded"], counts["consents_unusable"], counts["opt_outs_recorded"]) == (
        2,
        0,
        1,
    )
    people = {
        event.source_record_id.partition("#")[0]: event.customer_id
        for event in _stored(settings, consent_events)
    }
    assert all(people.values())
    assert set(people) == {"consent/1", "consent/2", "message/SM6"}
    assert len(set(people.values())) == 3

    before = len(_stored(settings, consent_events))
    counts = run_build(settings, clock).consents
    assert (counts["consents_recorded"], counts["opt_outs_recorded"]) == (0, 0)
    assert len(_stored(settings, consent_events)) == before == 5
    assert [row.reason for row in _stored(settings, suppressions)] == ["stop"]
