"""How the app writes numbers, money and times."""

from datetime import datetime, timedelta

import pytest

from dashboard.components import words

NOON = datetime.fromisoformat("2026-07-01T12:00")


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [
        (785_232_367, "GBP", "£7,852,323.67"),
        (-250, "EUR", "\N{MINUS SIGN}€2.50"),
        (1_500, "JPY", "¥1,500"),
        (1_234_567, "KWD", "KWD 1,234.567"),
        (None, "GBP", "\N{EN DASH}"),
    ],
)
def test_money_is_written_with_its_currencys_own_decimals(minor: int, currency: str, written: str) -> None:
    assert words.money(minor, currency) == written


@pytest.mark.parametrize(("part", "whole", "written"), [(1, 2, "50 %"), (1, 900, "<1 %"), (0, 9, "0 %")])
def test_a_small_but_real_share_is_never_written_as_nothing(part: int, whole: int, written: str) -> None:
    assert words.share(part, whole) == written


def test_a_share_of_nothing_is_left_open() -> None:
    assert words.share(0, 0) == "\N{EN DASH}"


@pytest.mark.parametrize(
    ("passed", "written"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=6), "6 hours ago"),
        (timedelta(days=45), "1 month ago"),
        (timedelta(days=800), "2 years ago"),
    ],
)
def test_the_past_is_told_in_its_largest_whole_unit(passed: timedelta, written: str) -> None:
    assert words.ago(NOON - passed, NOON) == written


def test_a_moment_is_written_in_the_readers_own_zone() -> None:
    assert words.clock(NOON, "Europe/London") == "Wed 1 Jul 2026, 13:00"
    assert words.day(datetime.fromisoformat("2026-07-01T23:30"), "Europe/Paris") == "2 Jul 2026"


def test_one_is_counted_without_an_s() -> None:
    assert words.count(1, "order") == "1 order"
    assert words.count(1_200, "reply", "replies") == "1,200 replies"


def test_what_a_customer_wrote_is_never_markup() -> None:
    assert words.safe('<img src="x" onerror=alert(1)>') == "&lt;img src=&quot;x&quot; onerror=alert(1)&gt;"
