"""Pictures of pages are told apart by what a person would see, and by nothing less."""

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from tests.dashboard.journeys.likeness import TOLERANCE, difference


def page(chart: str = "#2f6fab", at: int = 300) -> Image.Image:
    """Draw something like a page: a sidebar, lines of text, and a chart."""
    drawn = Image.new("RGB", (1440, 900), "#ffffff")
    pen = ImageDraw.Draw(drawn)
    pen.rectangle((0, 0, 240, 900), fill="#f2f4f7")
    for line in range(12):
        pen.text((280, 60 + 18 * line), "Nobody was written to who said no. " * 4, fill="#222222")
    pen.rectangle((at, 400, at + 700, 800), fill=chart)
    return drawn


def test_a_page_is_like_itself_also_where_letters_are_smoothed_otherwise() -> None:
    assert difference(page(), page()) == 0
    assert difference(page(), page().filter(ImageFilter.GaussianBlur(0.7))) < TOLERANCE / 3
    assert difference(page(), ImageChops.offset(page(), 1, 0)) < TOLERANCE / 3


def test_another_colour_a_missing_chart_and_a_moved_one_are_told() -> None:
    assert difference(page(), page("#ab2f2f")) > TOLERANCE
    assert difference(page(), page("#ffffff")) > TOLERANCE
    assert difference(page(), page(at=420)) > TOLERANCE
