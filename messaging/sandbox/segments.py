"""Count the segments that a text is sent and paid in (3GPP TS 23.038 alphabets, TS 23.040 concatenation)."""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")  # an escape and a letter: two septets, never parted


def is_gsm(text: str) -> bool:
    """Say whether every character is in the GSM-7 alphabet; one that is not makes the whole text UCS-2."""
    return all(letter in _BASIC or letter in _EXTENDED for letter in text)


def count_segments(text: str) -> int:
    """Give the number of segments: 160 septets or 70 UCS-2 units in one, 153 or 67 in each of several."""
    if is_gsm(text):
        return _count([2 if letter in _EXTENDED else 1 for letter in text], single=160, part=153)
    return _count([2 if ord(letter) > 0xFFFF else 1 for letter in text], single=70, part=67)


def _count(widths: list[int], single: int, part: int) -> int:
    if sum(widths) <= single:
        return 1
    segments, used = 1, 0
    for width in widths:
        if used + width > part:
            segments, used = segments + 1, 0
        used += width
    return segments
