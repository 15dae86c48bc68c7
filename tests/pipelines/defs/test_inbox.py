"""Dropped files are ingested and moved; a bad one is moved too, with the reason beside it."""

import json
from pathlib import Path

from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.defs.inbox import take_dropped_files
from pipelines.landing.manifest import list_landings

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
