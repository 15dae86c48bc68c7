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


@pytest.mark.parametrize(
    ("part", "whole", "written"),
    [(1, 2, "50 %"), (1, 900, "<1 %"), (0, 9, "0 %"), (899, 900, ">99 %"), (9, 9, "100 %")],
)
def test_a_small_but_real_share_is_never_written_as_nothing_nor_what_lacks_one_as_all(
    part: int, whole: int, written: str
) -> None:
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


def test_no_override_of_direction_is_left_and_a_name_from_right_to_left_stays() -> None:
    assert words.safe("\u202etxt.\u2066exe \u05d0\u200f") == "txt.exe \u05d0\u200f"
    assert words.label("\u202ea") == "a"


def test_a_day_in_a_sentence_is_written_as_people_do_and_nothing_else_is_touched() -> None:
    said = "They wait since 2026-10-29 (order 2026-13-45, A-2026-10-29-7)."
    assert words.dated(said) == "They wait since 29 Oct 2026 (order 2026-13-45, A-2026-10-29-7)."


def test_options_of_the_same_words_are_told_apart() -> None:
    assert words.apart({"1": "Ada", "2": "Ada", "3": "Li"}) == {"1": "Ada · 1", "2": "Ada · 2", "3": "Li"}


def test_a_label_makes_no_picture_of_a_name() -> None:
    label = words.label(
        ":streamlit: :material_home: ![x](//evil) a"
    )  # Streamlit reads it when backslashes are gone
    parsed = label.replace("\\", "")
    assert ":streamlit:" not in parsed
    assert ":material_home:" not in parsed
    assert label.endswith(r"\!\[x\]\(\/\/evil\) a")


def test_what_a_customer_wrote_is_never_markup() -> None:
    assert words.safe('<img src="x" onerror=alert(1)>') == "&lt;img src=&quot;x&quot; onerror=alert(1)&gt;"
