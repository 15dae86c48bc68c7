"""What can go wrong on the way: nothing is lost, nothing is doubled, and a sentence says what to do."""

import fcntl
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from data_contracts.errors import BatchRefusedError, InputError, RefusedError, SettingsError
from messaging.settings import Settings
from pipelines.landing.manifest import list_landings
from pipelines.pulls.places import pulled_dir, read_watermarks
from pipelines.pulls.running import Order
from pipelines.settings import DEMO_MARK

from .conftest import NOON, Answer, Asked, Vendor, pull, write_pull

MAPPING = """
table: events
source: till
record_id: event/{id}
columns:
  occurred_at: {time: {first_of: [rung, at]}}
  event_id: id
  name: {value: rang}
  external_id: who
"""


def record(number: int) -> dict[str, Any]:
    return {"id": number, "at": f"2026-10-{number:02d}T10:00:00Z", "who": f"K-{number}"}


@pytest.fixture
def till(settings: Settings, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Vendor:
    """Give an API of pages, two records each, up to record 6, and a pull for it."""
    monkeypatch.setenv("TILL_KEY", "very-secret")
    (settings.home / "mappings").mkdir(parents=True)
    (settings.home / "mappings" / "till.yaml").write_text(MAPPING)
    write_pull(
        settings,
        "till",
        {
            "kind": "rest",
            "source": "events",
            "mapping": "till",
            "overlap": "1 hour",
            "client": {
                "base_url": vendor.url,
                "auth": {"type": "bearer", "token": "{TILL_KEY}"},
                "paginator": {"type": "json_link", "next_url_path": "next"},
            },
            "endpoints": [
                {
                    "name": "rings",
                    "path": "rings",
                    "params": {"since": "{since}"},
                    "data_selector": "rings",
                    "cursor": "at",
                }
            ],
        },
    )
    vendor.answer = page
    return vendor


def page(asked: Asked) -> Answer:
    number = int(asked.query.get("page", 1))
    rings = [record(2 * number - 1), record(2 * number)]
    return Answer({"rings": rings, "next": f"/rings?page={number + 1}" if number < 3 else None})


def landed(settings: Settings) -> int:
    return sum(landing.accepted for landing in list_landings(settings))


def left(settings: Settings) -> list[str]:
    return sorted(path.name for path in pulled_dir(settings, "till").iterdir() if path.is_dir())


def test_a_slow_down_and_a_failure_in_the_middle_are_waited_out(till: Vendor, settings: Settings) -> None:
    trouble = [Answer({}, 429, {"Retry-After": "0"}), Answer({}, 503), Answer({}, 500)]
    till.answer = lambda asked: trouble.pop() if trouble and asked.query.get("page") == "2" else page(asked)
    (rings,) = pull(settings, "till").streams
    assert rings.error is None
    assert [each.reasons for each in rings.landed] == [{}]
    assert rings.total("accepted") == 6
    assert len(till.asked) == 6


def test_what_retry_after_says_is_waited(
    till: Vendor, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waited.append)
    once = [Answer({}, 429, {"Retry-After": "7"})]
    till.answer = lambda asked: once.pop() if once else page(asked)
    pull(settings, "till")
    assert waited == [7.0]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer({}, 401), "refused TILL_KEY (401) at /rings. It has expired"),
        (Answer({}, 403), "refused TILL_KEY (403)"),
        (Answer({}, 404), "has nothing at /rings (404)"),
        (Answer({"error": "no such filter"}, 400), "no such filter"),
        (Answer({"error": "very-secret is no key of ours"}, 400), "{TILL_KEY} is no key of ours"),
        (Answer({"error": "x" * 275 + " very-secret"}, 400), "x" * 275),
        (Answer({}, 429), "kept asking us to slow down (429)"),
        (Answer({}, 502), "failed and kept failing (502)"),
    ],
)
def test_a_failure_that_stays_is_a_sentence_and_lands_nothing(
    till: Vendor, settings: Settings, answer: Answer, said: str
) -> None:
    till.answer = lambda asked: (
        answer if asked.query.get("page") == "2" or answer.status < 429 else page(asked)
    )
    (rings,) = pull(settings, "till").streams
    assert said in str(rings.error)
    assert "very" not in str(rings.error)
    assert (landed(settings), read_watermarks(settings, "till"), left(settings)) == (0, {}, [])


def test_nobody_listening_is_told(till: Vendor, settings: Settings) -> None:
    till.close()
    (rings,) = pull(settings, "till").streams
    assert "127.0.0.1 cannot be reached" in str(rings.error)


def test_the_key_follows_no_link_to_another_host(till: Vendor, settings: Settings) -> None:
    till.answer = lambda _: Answer({"rings": [record(1)], "next": "http://127.0.0.2:9/rings"})
    (rings,) = pull(settings, "till").streams
    assert "sent us on to 127.0.0.2:9, where the pull's key does not belong" in str(rings.error)
    assert landed(settings) == 0


def test_delivered_files_go_when_they_have_landed(till: Vendor, settings: Settings) -> None:
    pull(settings, "till")
    assert sorted(path.name for path in pulled_dir(settings, "till").iterdir()) == [".lock", "watermark.json"]
    assert pulled_dir(settings, "till").stat().st_mode & 0o077 == 0


def test_a_batch_that_is_refused_leaves_the_watermark_where_it_was(
    till: Vendor, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull(settings, "till")
    before = read_watermarks(settings, "till")

    def refuse(*_: object, **__: object) -> None:
        raise InputError("The batch breaks a rule.", "Mend it.")

    monkeypatch.setattr("pipelines.pulls.running.ingest", refuse)
    till.answer = lambda _: Answer({"rings": [record(20)], "next": None})
    (rings,) = pull(settings, "till").streams
    assert str(rings.error) == "The batch breaks a rule. Mend it."
    assert read_watermarks(settings, "till") == before
    monkeypatch.undo()


def test_the_contract_may_refuse_a_batch_and_the_mended_one_comes_by_itself(
    till: Vendor, settings: Settings
) -> None:
    broken = [{**record(1 + number % 28), "id": number, "rung": "at tea time"} for number in range(40)]
    till.answer = lambda _: Answer({"rings": broken, "next": None})
    (rings,) = pull(settings, "till").streams
    assert isinstance(rings.error, BatchRefusedError)
    assert (landed(settings), read_watermarks(settings, "till")) == (0, {})
    till.answer = page
    assert pull(settings, "till").streams[0].total("accepted") == 6
    assert left(settings) == []


def test_the_next_run_asks_from_the_watermark_back_by_the_overlap(till: Vendor, settings: Settings) -> None:
    pull(settings, "till")
    till.asked.clear()
    (rings,) = pull(settings, "till").streams
    assert till.asked[0].query["since"] == "2026-10-06T09:00:00Z"
    assert (rings.total("accepted"), rings.total("already_landed")) == (0, 6)


def test_everything_again_doubles_nothing(till: Vendor, settings: Settings) -> None:
    pull(settings, "till")
    till.asked.clear()
    pull(settings, "till", Order(everything=True))
    assert "since" not in till.asked[0].query
    assert landed(settings) == 6


def test_a_beginning_behind_the_watermark_does_not_move_it_over_the_gap(
    till: Vendor, settings: Settings
) -> None:
    till.answer = lambda _: Answer({"rings": [record(3)], "next": None})
    pull(settings, "till")
    till.answer = lambda _: Answer({"rings": [record(20)], "next": None})
    pull(settings, "till", Order(since="2026-10-19"))
    assert read_watermarks(settings, "till") == {"rings": datetime(2026, 10, 3, 10)}


def test_a_record_from_the_future_does_not_hide_what_comes_before_it(
    till: Vendor, settings: Settings
) -> None:
    till.answer = lambda _: Answer({"rings": [{**record(1), "at": "2099-01-01T00:00:00Z"}], "next": None})
    pull(settings, "till")
    assert read_watermarks(settings, "till") == {"rings": NOON}


def test_a_cursor_that_no_record_has_is_told_instead_of_asking_for_everything_for_ever(
    till: Vendor, settings: Settings
) -> None:
    till.answer = lambda _: Answer({"rings": [{"id": 1, "when": "2026-10-01"}], "next": None})
    (rings,) = pull(settings, "till").streams
    assert "no record of rings has a cursor at" in str(rings.error)


def test_a_pull_that_runs_already_is_not_run_twice(till: Vendor, settings: Settings) -> None:
    pull(settings, "till")
    with (pulled_dir(settings, "till") / ".lock").open() as held:
        fcntl.flock(held.fileno(), fcntl.LOCK_EX)
        with pytest.raises(RefusedError, match="running already"):
            pull(settings, "till")


def test_a_secret_that_is_not_set_is_named_before_anybody_is_asked(
    till: Vendor, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TILL_KEY")
    with pytest.raises(SettingsError, match="TILL_KEY is not set"):
        pull(settings, "till")
    assert till.asked == []


def test_a_secret_may_come_from_a_file(
    till: Vendor, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("from-a-file\n")
    monkeypatch.delenv("TILL_KEY")
    monkeypatch.setenv("TILL_KEY_FILE", str(tmp_path / "key"))
    pull(settings, "till")
    assert till.asked[0].headers["authorization"] == "Bearer from-a-file"


def test_a_demo_asks_nobody_outside_this_machine(till: Vendor, settings: Settings) -> None:
    (settings.home / DEMO_MARK).write_text("a demo")
    pull(settings, "till")  # 127.0.0.1 is this machine
    document = {"use": "sendgrid"}
    write_pull(settings, "mail", document)
    with pytest.raises(RefusedError, match=r"asks nobody outside this machine; api\.sendgrid\.com is"):
        pull(settings, "mail")


def test_a_damaged_watermark_is_told_with_its_mend(till: Vendor, settings: Settings) -> None:
    pull(settings, "till")
    (pulled_dir(settings, "till") / "watermark.json").write_text(json.dumps({"streams": {"rings": 3}}))
    with pytest.raises(SettingsError, match="is damaged"):
        pull(settings, "till")
