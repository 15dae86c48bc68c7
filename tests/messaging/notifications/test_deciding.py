"""Who is told what and when: no storm, no night, nothing twice, and an all-clear for whoever was told."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.notifications.deciding import (
    CALM,
    HOUR,
    URGENT_EVERY,
    Circumstances,
    Notice,
    StoreTrouble,
    Telling,
    Told,
    compare,
    decide,
)
from messaging.notifications.events import Finding
from messaging.notifications.owners import EventRule, Owner, Rules

NOON = datetime.fromisoformat("2026-10-30T12:00")
NIGHT = datetime.fromisoformat("2026-10-31T01:30")
MINUTE = timedelta(minutes=1)
RULES = Rules(
    owners={
        "ops": Owner(email="ops@x.example", quiet="20:00-07:00"),  # type: ignore[arg-type]
        "service": Owner(sms="+442079460018"),
        "mute": Owner(),
    },
    events={
        "urgent_words": EventRule(owner="service"),
        "unanswered": EventRule(owner="mute"),
        "contract_red": EventRule(owner="ops"),
        "dead_letters": EventRule(owner="nobody"),
    },
    most_an_hour=4,
)


def notice(number: int = 0, event: str = "contract_red", **fields: object) -> Notice:
    began = NOON - HOUR + number * MINUTE
    plain = Notice(f"ntc_{number}", event, f"table_{number}", "It is red.", 1, 1, 0, began, began)
    return replace(plain, **fields)  # type: ignore[arg-type]


def told(notices: Sequence[Notice], **fields: object) -> list[Telling]:
    at = Circumstances(**({"now": NOON, "today": NOON} | fields))  # type: ignore[arg-type]
    return decide(notices, RULES, at)


def kinds(tellings: Sequence[Telling]) -> list[str]:
    return [item.kind for telling in tellings for item in telling.items]


TOLD = {"told_at": NOON - 5 * MINUTE, "told_to": "ops", "told_amount": 1}


def test_one_open_notice_stands_for_an_event_and_subject_however_often_it_is_found() -> None:
    again = Finding("contract_red", "table_0", "It is redder.", 7)
    assert compare([], [again, again], RULES, NOON).opened == (again,)
    changes = compare([notice()], [again], RULES, NOON)
    assert (changes.opened, changes.changed) == ((), ((notice(), again),))
    same = Finding("contract_red", "table_0", "It is red.", 1)
    assert compare([notice()], [same], RULES, NOON) == type(changes)()


def test_what_is_not_found_any_more_has_ended_and_is_closed_untold_once_it_stayed_so() -> None:
    assert compare([notice()], [], RULES, NOON).ended == (notice(),)
    over = notice(ended_at=NOON - CALM)
    assert compare([over], [], RULES, NOON).closed == (over,)
    assert compare([replace(over, **TOLD)], [], RULES, NOON).closed == ()
    assert compare([notice(ended_at=NOON - CALM + MINUTE)], [], RULES, NOON).closed == ()


def test_what_comes_back_before_the_all_clear_is_the_same_notice() -> None:
    over = notice(ended_at=NOON - MINUTE)
    back = Finding("contract_red", "table_0", "It is red.", 1)
    assert compare([over], [back], RULES, NOON).changed == ((over, back),)


def test_a_notice_is_told_when_it_is_new_and_not_again() -> None:
    assert kinds(told([notice()])) == ["new"]
    assert told([notice(**TOLD)]) == []


def test_a_notice_is_told_again_when_there_is_ten_times_as_much_or_after_a_day_or_to_a_new_owner() -> None:
    assert told([notice(**TOLD, amount=9)]) == []
    assert kinds(told([notice(**TOLD, amount=10)])) == ["worse"]
    assert kinds(told([notice(**TOLD | {"told_at": NOON - 24 * HOUR})])) == ["still"]
    assert kinds(told([notice(**TOLD | {"told_to": "service"})])) == ["new"]


def test_the_all_clear_goes_only_to_whoever_was_told_and_only_once_it_stayed_over() -> None:
    assert kinds(told([notice(**TOLD, ended_at=NOON - CALM)])) == ["over"]
    assert told([notice(**TOLD, ended_at=NOON - CALM + MINUTE)]) == []
    assert told([notice(ended_at=NOON - CALM)]) == []


def test_at_night_an_owner_hears_only_of_what_is_urgent_and_of_the_rest_in_the_morning() -> None:
    both = [notice(), notice(1, "store_trouble")]
    assert [item.notice.event for each in told(both, now=NIGHT) for item in each.items] == ["store_trouble"]
    assert len(told(both, now=NIGHT + timedelta(hours=6))) == 2
    summer = datetime.fromisoformat("2026-07-01T06:30")  # 07:30 in London
    assert told([notice()], now=summer) == []
    assert len(told([notice()], now=summer, company_zone="Europe/London")) == 1


def test_a_snooze_holds_back_one_subject_or_a_whole_event_until_it_ends() -> None:
    two = [notice(0), notice(1)]
    one_of_them = {("contract_red", "table_0"): NOON + MINUTE}
    assert [item.notice.notice_id for each in told(two, snoozed=one_of_them) for item in each.items] == [
        "ntc_1"
    ]
    assert told(two, snoozed={("contract_red", ""): NOON + MINUTE}) == []
    assert len(told(two, snoozed={("contract_red", ""): NOON})) == 2


def test_nobody_and_an_owner_without_a_way_are_not_told() -> None:
    assert told([notice(event="dead_letters"), notice(1, "unanswered")]) == []


def test_more_notices_than_the_hour_has_room_for_come_together_urgent_ones_first() -> None:
    many = [notice(number) for number in range(9)] + [notice(9, "store_trouble")]
    tellings = told(many)
    assert [len(each.items) for each in tellings] == [1, 1, 1, 7]
    assert tellings[0].items[0].notice.event == "store_trouble"


def test_once_the_hour_is_full_all_wait_but_what_is_urgent_comes_together_every_ten_minutes() -> None:
    full = [Told("ops", NOON - minutes * MINUTE) for minutes in (50, 40, 30, 11)]
    several = [notice(0), notice(1, "store_trouble"), notice(2, "breaker_tripped")]
    assert [len(each.items) for each in told(several, history=full)] == [2]
    assert told(several, history=[*full, Told("ops", NOON - URGENT_EVERY + MINUTE)]) == []
    an_hour_old = [Told("ops", NOON - HOUR) for _ in range(4)]
    assert len(told(several, history=an_hour_old)) == 3


def test_a_clock_that_was_set_back_a_day_silences_nobody() -> None:
    tomorrow = NOON + 24 * HOUR
    ahead = [Told("ops", tomorrow)] * 4
    assert len(told([notice()], history=ahead)) == 1
    assert len(told([notice()], history=[Told("ops", tomorrow, failed=True)])) == 1
    assert kinds(told([notice(**TOLD | {"told_at": tomorrow})])) == ["still"]
    assert kinds(told([notice(**TOLD, ended_at=tomorrow)])) == ["over"]


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=60))
def test_no_owner_ever_gets_more_messages_an_hour_than_they_said_but_for_urgent_ones(
    arrivals: list[tuple[int, bool]],
) -> None:
    sent: list[Told] = []
    today, number = NOON, 0
    for wait, urgent in arrivals:
        today, number = today + wait * MINUTE, number + 1
        event = "store_trouble" if urgent else "contract_red"
        sent += [Told("ops", today) for _ in told([notice(number, event)], today=today, history=tuple(sent))]
    for last in sent:
        within = [one for one in sent if timedelta() <= last.began_at - one.began_at < HOUR]
        assert len(within) <= RULES.most_an_hour + HOUR // URGENT_EVERY


@pytest.mark.parametrize(("failures", "seconds"), [(1, 30), (2, 60), (4, 240), (30, 900)])
def test_ways_that_failed_rest_for_longer_each_time_and_cost_nothing_of_the_hour(
    failures: int, seconds: int
) -> None:
    ago = timedelta(seconds=seconds)
    failed = [Told("ops", NOON - ago, failed=True)] * failures
    assert told([notice()], history=[Told("ops", NOON - HOUR), *failed], today=NOON - MINUTE / 60) == []
    assert len(told([notice()], history=[Told("ops", NOON - HOUR), *failed])) == 1
    assert len(told([notice()], history=[*failed, Told("ops", NOON)])) == 1


def test_store_trouble_is_told_once_it_lasts_again_after_a_day_and_cleared_once() -> None:
    trouble = StoreTrouble(2 * MINUTE, 24 * HOUR)
    assert trouble.failed("It is full.", NOON) is None
    assert trouble.works(NOON) is None
    assert trouble.failed("It is full.", NOON) is None
    item = trouble.failed("It is full.", NOON + 2 * MINUTE)
    assert item is not None
    assert item.notice.sentence == "For 2 minutes the store could not be used. It is full."
    trouble.told(NOON + 2 * MINUTE)
    assert trouble.failed("It is full.", NOON + 9 * MINUTE) is None
    reminder = trouble.failed("It is full.", NOON + 25 * HOUR)
    assert reminder is not None
    assert reminder.kind == "still"
    over = trouble.works(NOON + 26 * HOUR)
    assert over is not None
    assert (over.kind, over.urgent) == ("over", True)
    trouble.cleared()
    assert trouble.works(NOON + 27 * HOUR) is None
