"""Colours that can be read: the contrast of two by the formula of WCAG 2.2 (success criterion 1.4.3, level AA)."""

import re
from collections.abc import Mapping
from typing import Final

WHITE: Final = "#ffffff"
LEAST_CONTRAST: Final = 4.5  # of text of any size
# What a company's colour is written on; white is written on it, on buttons, which is the same contrast as on white.
GROUNDS: Final[Mapping[str, str]] = {
    "white": WHITE,
    "the background of mails": "#f4f1ea",
    "the background of the pages that customers see": "#f4f2ee",
}
_HEX: Final = re.compile(r"#?([0-9a-f]{6}|[0-9a-f]{3})", re.IGNORECASE | re.ASCII)
_STEPS: Final = 1000


def read_colour(written: str) -> str | None:
    """Give a colour as `#rrggbb` in small letters, also of `#rgb`; None for what is no such colour."""
    found = _HEX.fullmatch(written.strip())
    if not found:
        return None
    digits = found[1].lower()
    return f"#{digits if len(digits) == 6 else ''.join(2 * each for each in digits)}"


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours, from 1 to 21, whichever of them is the text."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def unreadable(colour: str) -> str:
    """Say why text in a colour cannot be read everywhere, and which can that is nearest; nothing where it can."""
    worst = min(GROUNDS, key=lambda name: contrast(colour, GROUNDS[name]))
    found = contrast(colour, GROUNDS[worst])
    if found >= LEAST_CONTRAST:
        return ""
    told = int(found * 100) / 100  # cut, not rounded: 4.498 is not 4.5
    return (
        f"{colour} has a contrast of {told:g}:1 with {worst}, and text needs {LEAST_CONTRAST:g}:1 (WCAG AA); "
        f"{nearest_readable(colour)} is the nearest that has it"
    )


def nearest_readable(colour: str) -> str:
    """Give a colour that can be read everywhere: the same, or as little darker in the same hue as is enough."""
    return next(
        shade
        for step in range(_STEPS, -1, -1)
        if all(
            contrast(shade := darker(colour, step / _STEPS), ground) >= LEAST_CONTRAST
            for ground in GROUNDS.values()
        )
    )


def darker(colour: str, share: float) -> str:
    """Give a colour with `share` (0 to 1) of its light: its hue stays."""
    return "#" + "".join(f"{int(value * share):02x}" for value in _channels(colour))


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    """Give the relative luminance of an sRGB colour (https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)."""
    red, green, blue = (
        share / 12.92 if (share := value / 255) <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for value in _channels(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
