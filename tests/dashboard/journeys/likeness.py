"""How alike two pictures of a page are: close enough for another Chromium, not for another page."""

from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

KEPT: Final = (720, 450)  # of a window of 1440 x 900: words can still be read, and a picture takes some 40 kB
GRAIN: Final = (240, 150)  # compared in squares of 6 x 6 pixels: how letters are smoothed is gone
FAINT: Final = 24  # of 255: what a square may differ by
TOLERANCE: Final = (
    0.03  # of the squares. One page in two demos: at most 0.0004; two pages: 0.07 or more (2026-11-23)
)


def difference(one: Image.Image, other: Image.Image) -> float:
    """Give the share of two pictures' squares that differ, from 0 to 1."""
    left, right = (
        np.asarray(each.convert("RGB").resize(GRAIN, Image.Resampling.BOX), dtype=np.int16)
        for each in (one, other)
    )
    return float((np.abs(left - right).max(axis=2) > FAINT).mean())


def keep(picture: Image.Image, path: Path) -> None:
    """Write a picture as small as it may be."""
    small = picture.convert("RGB").resize(KEPT, Image.Resampling.LANCZOS)
    path.parent.mkdir(parents=True, exist_ok=True)
    small.quantize(128, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(path, optimize=True)
