"""Dropped files are ingested and moved; a bad one is moved too, with the reason beside it."""

import json
import os
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from data_contracts.errors import StoreError
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.defs.inbox import take_dropped_files
from pipelines.landing.manifest import list_landings
from pipelines.sources import intake
from pipelines.sources.intake import ingest
from pipelines.sources.report import IngestReport

MESSAGE = {
    "sid": "SM1",
    "body": "Where is my parcel?",
    "direction": "inbound",
    "from": "+15005550006",
    "to": "+15005550001",
    "status": "received",
    "num_segments": "1",
    "num_media": "0",
    "price": None,
    "price_unit": "USD",
    "error_code": None,
    "date_created": "Fri, 30 Oct 2026 09:00:00 +0000",
    "date_updated": "Fri, 30 Oct 2026 09:00:00 +0000",
    "date_sent": "Fri, 30 Oct 2026 09:00:00 +0000",
}


def drop(settings: Settings, source: str, name: str, text: str) -> Path:
    folder = settings.inbox_dir / source
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder


def test_a_good_file_is_ingested_and_moved_to_done(settings: Settings, clock: Clock) -> None:
    folder = drop(settings, "twilio", "page.json", json.dumps({"messages": [MESSAGE]}))
    (taken,) = take_dropped_files(settings, clock, settle_seconds=0)
    assert (taken.accepted, taken.refused) == (1, "")
    assert [path.name for path in folder.iterdir()] == ["done"]
    assert (folder / "done" / "page.json").exists()
    assert [landing.accepted for landing in list_landings(settings)] == [1]


def test_a_file_of_another_shape_is_moved_to_refused_with_its_reason_and_lands_nothing(
    settings: Settings, clock: Clock
) -> None:
    folder = drop(settings, "twilio", "page.json", "no json at all")
    (taken,) = take_dropped_files(settings, clock, settle_seconds=0)
    assert taken.refused
    reason = json.loads((folder / "refused" / "page.json.reason.json").read_text())
    assert reason["reason"] == taken.refused
    assert list_landings(settings) == []


def test_one_bad_file_keeps_no_other_from_being_taken(settings: Settings, clock: Clock) -> None:
    drop(settings, "twilio", "a.json", "{")
    drop(settings, "twilio", "b.json", json.dumps({"messages": [MESSAGE]}))
    bad, good = take_dropped_files(settings, clock, settle_seconds=0)
    assert bad.refused
    assert good.accepted == 1


def test_a_second_file_of_one_name_overwrites_no_earlier_one(settings: Settings, clock: Clock) -> None:
    for body in ("one", "two"):
        folder = drop(settings, "twilio", "page.json", json.dumps({"messages": [{**MESSAGE, "body": body}]}))
        take_dropped_files(settings, clock, settle_seconds=0)
    assert sorted(path.name for path in (folder / "done").iterdir()) == ["page-1.json", "page.json"]


def test_a_folder_of_an_unknown_source_is_refused_by_name(settings: Settings, clock: Clock) -> None:
    drop(settings, "twillio", "page.json", "{}")
    (taken,) = take_dropped_files(settings, clock, settle_seconds=0)
    assert "twillio" in taken.refused


def test_a_file_on_which_a_reader_fails_unforeseen_keeps_no_other_from_being_taken(
    settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = drop(settings, "twilio", "a.json", "{}")
    drop(settings, "twilio", "b.json", json.dumps({"messages": [MESSAGE]}))

    def fail(*args: Any) -> IngestReport:
        if args[3][0].name == "a.json":
            raise ValueError("cannot read ada@example.com")
        return ingest(*args)

    monkeypatch.setattr(intake, "ingest", fail)
    bad, good = take_dropped_files(settings, clock, settle_seconds=0)
    assert (bad.refused, good.accepted) == ("Reading it failed: ValueError: cannot read …", 1)
    assert "ada" not in (folder / "refused" / "a.json.reason.json").read_text()


def test_a_file_of_a_day_to_come_is_taken_for_its_clock_was_wrong(settings: Settings, clock: Clock) -> None:
    folder = drop(settings, "twilio", "page.json", json.dumps({"messages": [MESSAGE]}))
    tomorrow = time.time() + 86_400
    os.utime(folder / "page.json", (tomorrow, tomorrow))
    assert [taken.accepted for taken in take_dropped_files(settings, clock)] == [1]


def test_half_a_character_in_a_message_keeps_nothing_from_landing(settings: Settings, clock: Clock) -> None:
    text = json.dumps({"messages": [MESSAGE | {"body": "So happy \ud83d"}]})  # an emoji that was cut off
    drop(settings, "twilio", "page.json", text)
    (taken,) = take_dropped_files(settings, clock, settle_seconds=0)
    assert (taken.refused, taken.accepted) == ("", 1)
    (landing,) = list_landings(settings)
    with duckdb.connect() as connection:
        assert connection.execute("SELECT body FROM read_parquet(?)", [str(landing.path)]).fetchall() == [
            ("So happy \ufffd",)
        ]


def test_a_file_waits_where_the_store_does_not_answer(
    settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = drop(settings, "twilio", "page.json", json.dumps({"messages": [MESSAGE]}))
    os.utime(folder / "page.json", (0, 0))

    def fail(*_: Any) -> IngestReport:
        raise StoreError("The store does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(intake, "ingest", fail)
        assert take_dropped_files(settings, clock) == []
    assert (
        folder / "page.json"
    ).stat().st_mtime > 0  # another state of the folder, for the sensor to ask again
    assert [taken.accepted for taken in take_dropped_files(settings, clock, settle_seconds=0)] == [1]
