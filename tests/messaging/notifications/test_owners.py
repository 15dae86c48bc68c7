"""notifications.yaml: the shipped file, one of an installation's own, and what is refused in it."""

from datetime import datetime
from pathlib import Path

import pytest

from data_contracts.errors import InputError
from messaging.notifications.events import EVENTS
from messaging.notifications.owners import SHIPPED, Rules, read_rules

OWN = "owners: {ops: {email: ops@x.example}}\n"


def read(home: Path, text: str) -> Rules:
    (home / SHIPPED.name).write_text(text)
    return read_rules(home)


def test_the_shipped_file_names_every_event_and_leaves_the_usual_as_it_is(home: Path) -> None:
    shipped, bare = read_rules(home), read(home, OWN)
    assert set(shipped.events) == set(EVENTS)
    for name in EVENTS:
        assert shipped.urgent(name) == bare.urgent(name)
        assert [shipped.after(name, way) for way in ("chat", "sms", "")] == [
            bare.after(name, way) for way in ("chat", "sms", "")
        ]


def test_an_own_file_stands_before_the_shipped_one_and_its_first_owner_owns_what_it_does_not_name(
    home: Path,
) -> None:
    rules = read(
        home, OWN + "events: {unanswered: {after_minutes: {chat: 5}}, contract_red: {owner: nobody}}\n"
    )
    assert (rules.owner_of("store_trouble"), rules.owner_of("contract_red")) == ("ops", None)
    assert rules.after("unanswered", "chat").seconds == 300
    assert rules.after("unanswered", "sms").seconds == 3600


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("owners: {}\n", "line 1: owners"),
        ("owners: {ops: {email: nonsense}}\n", "it should be one e-mail address, or `company`"),
        ("owners: {ops: {email: 'a@x.example, b@x.example'}}\n", "one e-mail address"),
        ("owners: {ops: {sms: '12'}}\n", "it should be one number with its country code"),
        ("owners: {ops: {webhook: ftp://x.example}}\n", "whole address such as https"),
        ("owners: {ops: {webhook: 'https://u:p@x.example/'}}\n", "without a user"),
        ("owners: {ops: {quiet: late}}\n", 'write the hours as "20:00-07:00"'),
        ("owners: {ops: {quiet: '20:00-20:00'}}\n", "two of the local clock"),
        ("owners: {ops: {time_zone: Mars}}\n", "IANA time zone"),
        ("owners: {ops: {pager: 1}}\n", "legal there: email, webhook, sms, quiet, time_zone"),
        ("owners: {nobody: {}}\n", "stands for none"),
        (OWN + "events: {red_contract: {}}\n", "the events are unknown_sends, contract_red"),
        (OWN + "events: {contract_red: {owner: bob}}\n", "there is ops, nobody"),
        (OWN + "events: {store_trouble: {after_minutes: {sms: 1}}}\n", "one number, not one for each channel"),
        (OWN + "most_an_hour: 1\n", "line 2: most_an_hour"),
    ],
)  # fmt: skip
def test_a_slip_is_told_in_a_sentence_with_what_is_legal_and_without_an_address(
    home: Path, text: str, told: str
) -> None:
    with pytest.raises(InputError, match=told) as refused:
        read(home, text)
    assert "x.example" not in str(refused.value)


@pytest.mark.parametrize(
    ("quiet", "moment", "ends"),
    [
        ("20:00-07:00", "2026-10-30T19:59", None),
        ("20:00-07:00", "2026-10-30T20:00", "2026-10-31T07:00"),
        ("20:00-07:00", "2026-10-31T06:59", "2026-10-31T07:00"),
        ("20:00-07:00", "2026-10-31T07:00", None),
        ("12:00-14:00", "2026-10-30T13:00", "2026-10-30T14:00"),
        ("12:00-14:00", "2026-10-30T14:00", None),
        ("20:00-07:00", "2026-07-01T19:30", "2026-07-02T06:00"),  # 20:30 in London's summer
        ("20:00-07:00", "2026-10-24T22:00", "2026-10-25T07:00"),  # the clock goes back within this night
    ],
)
def test_a_night_ends_in_the_morning_by_the_owners_clock(
    home: Path, quiet: str, moment: str, ends: str | None
) -> None:
    owner = read(home, f"owners: {{ops: {{quiet: '{quiet}', time_zone: Europe/London}}}}\n").owners["ops"]
    until = owner.quiet_until(datetime.fromisoformat(moment), "UTC")
    assert (until and until.isoformat(timespec="minutes")) == ends
