"""Colours that can be read: the formula of WCAG held against published values, and the nearest shade that is enough."""

import colorsys
import random

import pytest

from messaging.colours import (
    GROUNDS,
    LEAST_CONTRAST,
    contrast,
    darker,
    nearest_readable,
    read_colour,
    unreadable,
)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#777777", "#ffffff", 4.48),  # known for failing by a hair
        ("#767676", "#ffffff", 4.54),  # and the lightest grey that passes
        ("#ff0000", "#ffffff", 4.0),
        ("#0000ff", "#ffffff", 8.59),
        ("#ffff00", "#0000ff", 8.0),
    ],
)
def test_contrast_is_what_the_formula_of_wcag_gives(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.01)


def test_a_colour_is_read_in_hex_alone() -> None:
    assert [read_colour(each) for each in ("#14606B", "14606b", " #abc ", "#ABC")] == [
        "#14606b",
        "#14606b",
        "#aabbcc",
        "#aabbcc",
    ]
    wrong = ("red", "#12345", "#1234567", "rgb(1,2,3)", "#14606b;}", "url(x)", "", "#\u0661\u0662\u0663")
    assert [read_colour(each) for each in wrong] == [None] * len(wrong)


def test_what_passes_on_white_alone_is_refused_with_the_ground_it_fails_on() -> None:
    assert contrast("#767676", "#ffffff") > LEAST_CONTRAST
    told = unreadable("#767676")
    assert told.startswith(
        "#767676 has a contrast of 4.02:1 with the background of mails, and text needs 4.5:1"
    )
    assert unreadable("#14606b") == unreadable("#000000") == ""


def test_the_colour_that_is_offered_can_be_read_everywhere_is_of_the_same_hue_and_any_lighter_could_not() -> (
    None
):
    dice = random.Random(8)
    colours = [f"#{dice.randrange(1 << 24):06x}" for _ in range(150)] + [
        "#ffff00",
        "#ffffff",
        "#00ff00",
        "#ff0000",
    ]
    refused = 0
    for colour in colours:
        offered = nearest_readable(colour)
        assert unreadable(offered) == "", colour
        if not unreadable(colour):
            assert offered == colour
            continue
        refused += 1
        assert f"{offered} is the nearest" in unreadable(colour)
        channels = [int(offered[at : at + 2], 16) for at in (1, 3, 5)]
        lighter = "#" + "".join(f"{min(each + 2, 255):02x}" for each in channels)
        assert unreadable(lighter), f"{colour}: {lighter} would have done, and {offered} was offered"
        was, now = (_hue(each) for each in (colour, offered))
        assert was is None or now is None or min(abs(was - now), 1 - abs(was - now)) < 0.02, colour
    assert refused > 50


def test_darkness_goes_from_the_colour_itself_to_black() -> None:
    assert (darker("#80ff10", 1), darker("#80ff10", 0.5), darker("#80ff10", 0)) == (
        "#80ff10",
        "#407f08",
        "#000000",
    )


def test_the_grounds_are_the_ones_that_mails_and_pages_have() -> None:
    from importlib.resources import files

    layouts = files("messaging") / "library" / "layouts"
    for layout in ("email.j2", "email.mjml"):
        assert GROUNDS["the background of mails"] in (layouts / layout).read_text()
    page = (files("messaging.webhooks") / "page.html").read_text()
    assert f"background: {GROUNDS['the background of the pages that customers see']};" in page


def _hue(colour: str) -> float | None:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    hue, _, saturation = colorsys.rgb_to_hls(red, green, blue)
    return hue if saturation > 0.2 else None
