"""What was set aside: listed, shown, and judged again under the contract as it is now."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from data_contracts import contracts
from data_contracts.errors import InputError
from data_contracts.model import Contract
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing import quarantine, writer
from pipelines.landing.manifest import list_landings, verify
from pipelines.landing.quarantine import (
    count_quarantined,
    list_quarantine,
    replay_quarantine,
    show_quarantine,
)
from pipelines.landing.writer import Landed

Make = Callable[..., dict[str, str | None]]
Land = Callable[..., Landed]
Rows = Callable[[Landed, str], list[tuple[Any, ...]]]


def test_nothing_is_set_aside_at_first(settings: Settings) -> None:
    assert list_quarantine(settings) == []
    assert count_quarantined(settings, "consents") == 0


def test_the_list_says_how_many_rows_of_which_file_and_why(
    settings: Settings, land: Land, consent: Make
) -> None:
    land(consent(1), consent(2, channel="fax"), consent(3, channel="fax", action=None))
    (item,) = list_quarantine(settings)
    assert (item.source, item.table, item.file_name, item.rows) == ("shop", "consents", "consents.csv", 2)
    assert item.reasons == {"channel_allowed": 2, "action_present": 1}
    assert list_quarantine(settings, "purchases") == []


def test_a_row_is_shown_with_sentences_and_the_columns_concerned(
    settings: Settings, land: Land, consent: Make
) -> None:
    land(consent(2, channel="fax", occurred_at="unreadable: soon"))
    (row,) = show_quarantine(list_quarantine(settings)[0])
    assert row.source_record_id == "consent/2"
    assert row.reasons == {
        "occurred_at_type": "“Time of the decision” can be read as a date with a time of day.",
        "channel_allowed": "“Channel” is one of email, sms, whatsapp, voice.",
    }
    assert row.values == {"occurred_at": "unreadable: soon", "channel": "fax"}


def test_a_replay_under_the_same_contract_changes_nothing(
    settings: Settings, clock: Clock, land: Land, consent: Make
) -> None:
    land(consent(1), consent(2, channel="fax"))
    (replay,) = replay_quarantine(settings, clock)
    assert (replay.rows, replay.landed, replay.still, replay.already_landed) == (1, 0, 1, 0)
    assert len(list_landings(settings)) == 1
    assert count_quarantined(settings, "consents") == 1


def test_a_mended_contract_lands_what_it_lets_through_without_the_file(
    settings: Settings, clock: Clock, land: Land, consent: Make, request: pytest.FixtureRequest
) -> None:
    land(consent(1), consent(2, channel="fax"), consent(3, channel="pigeon"))
    request.getfixturevalue("mended")
    (replay,) = replay_quarantine(settings, clock)
    assert (replay.landed, replay.still) == (1, 1)
    replayed = list_landings(settings)[-1]
    verify(replayed)
    assert (replayed.rows_in, replayed.accepted, replayed.source) == (1, 1, "shop")
    assert list_quarantine(settings)[0].reasons == {"channel_allowed": 1}


def test_a_replay_that_was_cut_off_can_be_run_again(
    settings: Settings,
    clock: Clock,
    land: Land,
    consent: Make,
    mended: Contract,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(writer, "load_contract", contracts.load_contract)
        land(consent(2, channel="fax"))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(quarantine, "_keep", killed)  # the rows have landed, the quarantine file is still there
        with pytest.raises(KeyboardInterrupt):
            replay_quarantine(settings, clock)
    (replay,) = replay_quarantine(settings, clock)
    assert (replay.landed, replay.already_landed) == (0, 1)
    assert list_quarantine(settings) == []


def test_a_replay_does_not_bring_back_what_a_newer_version_replaced(
    settings: Settings, clock: Clock, land: Land, consent: Make, request: pytest.FixtureRequest
) -> None:
    land(consent(2, channel="fax"))
    land(consent(2, channel="sms"))
    request.getfixturevalue("mended")
    (replay,) = replay_quarantine(settings, clock)
    assert (replay.landed, replay.still) == (0, 1)
    (row,) = show_quarantine(list_quarantine(settings)[0])
    assert row.reasons == {"overtaken": "A newer version of the record has landed."}


def test_only_the_table_that_was_asked_for_is_replayed(
    settings: Settings, clock: Clock, land: Land, consent: Make
) -> None:
    land(consent(2, channel="fax"))
    assert replay_quarantine(settings, clock, "purchases") == []


def test_a_row_that_was_mended_at_its_source_and_came_again_no_longer_counts(
    settings: Settings, clock: Clock, land: Land, consent: Make
) -> None:
    land(consent(1, channel="fax"), consent(2, channel="fax"))
    land(consent(1))
    assert count_quarantined(settings, "consents") == 1
    replay_quarantine(settings, clock)
    assert count_quarantined(settings, "consents") == 1
    assert list_quarantine(settings)[0].rows == 2


def test_a_bad_newer_version_of_a_row_that_had_landed_counts(
    settings: Settings, land: Land, consent: Make
) -> None:
    land(consent(1))
    land(consent(1, channel="fax"))
    assert count_quarantined(settings, "consents") == 1


def test_a_damaged_quarantine_file_is_told_with_its_mend_and_the_mend_works(
    settings: Settings, land: Land, consent: Make
) -> None:
    rows = (consent(1), consent(2, channel="fax"))
    landing = land(*rows).landing
    (item,) = list_quarantine(settings)
    item.path.write_bytes(b"PAR1")
    for look in (lambda: list_quarantine(settings), lambda: count_quarantined(settings, "consents")):
        with pytest.raises(InputError, match=r"cannot be read\. Delete it and .*manifest\.json"):
            look()
    item.path.unlink()
    landing.manifest_path.unlink()
    land(*rows)
    assert count_quarantined(settings, "consents") == 1


def test_what_has_not_happened_yet_is_set_aside_and_replayed_once_it_has(
    settings: Settings, clock: Clock, land: Land, chat: Make
) -> None:
    """All of it arrives on 30 October at noon; a clock or a time zone is at most a day ahead."""
    land(
        *[chat(number) for number in range(3, 60)],
        chat(1, occurred_at="2026-10-31 12:00:00"),
        chat(2, occurred_at="2026-10-31 12:00:01"),
        table="chat_messages",
    )
    (item,) = list_quarantine(settings)
    assert (item.rows, item.reasons) == (1, {"not_a_day_ahead": 1})
    assert [replay.landed for replay in replay_quarantine(settings, clock)] == [0]
    later = Clock(clock.now() + timedelta(days=1))
    assert [replay.landed for replay in replay_quarantine(settings, later)] == [1]
    assert list_quarantine(settings) == []
