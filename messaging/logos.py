"""A logo as it was given, drawn anew: what it is says its content, and nothing of the file stays but the picture."""

import io
import struct
from typing import Final, Literal

from PIL import ExifTags, Image, UnidentifiedImageError

from data_contracts.errors import UsageError

LARGEST: Final = 200_000  # bytes, of the file that is given
MOST_PIXELS: Final = 25_000_000  # a few bytes can say that they are a picture of any size
BOX: Final = (480, 80)  # pixels of what is kept: twice of what it is shown in, for screens with fine dots
SMALLEST: Final = 16  # pixels each way
MEND: Final = "Give a PNG or a JPEG; of an SVG, export a PNG that is some 500 pixels wide."

_FORMATS: Final = ("PNG", "JPEG")
# What EXIF says of how a picture lies, and what sets it upright. Pillow's own way writes the EXIF again, and falls over a
# wrong one.
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def drawn_anew(content: bytes) -> tuple[bytes, Literal["png", "jpg"]]:
    """Give a logo as a file of ours, and the kind it is. Raises UsageError for what is no logo.

    Its place, camera, author and comments go: pixels alone are copied. It is turned as its EXIF says before that.
    """
    if len(content) > LARGEST:
        raise UsageError(
            f"This file has {len(content):,} bytes; a logo may have {LARGEST:,}.", "Save it smaller."
        )
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
            kind = picture.format
            if picture.width * picture.height > MOST_PIXELS:
                raise UsageError(
                    f"This picture is {picture.width:,} by {picture.height:,} pixels, too many for a logo.",
                    "Save it smaller.",
                )
            turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
            pixels = picture.convert("RGB" if kind == "JPEG" else "RGBA")
    except UnidentifiedImageError:
        raise UsageError("This is neither a PNG nor a JPEG, whatever its name says.", MEND) from None
    except (OSError, SyntaxError, ValueError, TypeError, struct.error, Image.DecompressionBombError) as error:
        raise UsageError(f"This picture cannot be read ({type(error).__name__}).", MEND) from None
    return _file(_fitted(pixels if turn is None else pixels.transpose(turn)), kind == "JPEG")


def _fitted(pixels: Image.Image) -> Image.Image:
    """Cut off what is transparent all around, and make it fit the box."""
    if pixels.mode == "RGBA" and (shown := pixels.getchannel("A").getbbox()) != (0, 0, *pixels.size):
        if shown is None:
            raise UsageError("Nothing can be seen on this picture: all of it is transparent.", MEND)
        pixels = pixels.crop(shown)
    pixels.thumbnail(BOX, Image.Resampling.LANCZOS)
    if min(pixels.size) < SMALLEST:
        raise UsageError(
            f"At the size of a logo it would be {pixels.width} by {pixels.height} pixels, too thin to be seen.",
            f"Give one that is at most {BOX[0] // SMALLEST} times as wide as high, and {SMALLEST} pixels each way.",
        )
    return pixels


def _file(pixels: Image.Image, is_jpeg: bool) -> tuple[bytes, Literal["png", "jpg"]]:  # noqa: FBT001
    bare = Image.new(
        pixels.mode, pixels.size
    )  # a picture carries what its file said beside it, a new one nothing
    bare.paste(pixels)
    made = io.BytesIO()
    if is_jpeg:
        bare.save(made, "JPEG", quality=92, subsampling=0)
        return made.getvalue(), "jpg"
    bare.save(made, "PNG", optimize=True)
    return made.getvalue(), "png"
