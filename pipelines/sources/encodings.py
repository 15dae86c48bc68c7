"""In which encoding a text was written: told by its mark, or by what its bytes look like."""

import codecs
from pathlib import Path

MARKS = (  # the longest first: the mark of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LATIN = ("cp1252", "cp1250", "cp1254", "mac_roman", "cp850")  # the most frequent first
OTHER_SCRIPTS = (
    "cp1251", "cp1253", "cp1255", "cp1256", "koi8_r", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr"
)  # fmt: skip
TYPED = frozenset("€“”„‘’‚–—…°§©®™×·«»")  # noqa: RUF001 - signs that people write, besides letters
SAMPLE = 1 << 20


def marked_encoding(path: Path) -> str:
    """Give the encoding that the mark at the beginning of a file names; empty where there is none."""
    with path.open("rb") as file:
        start = file.read(4)
    return next((encoding for mark, encoding in MARKS if start.startswith(mark)), "")


def guess_encoding(path: Path) -> str:
    """Guess the encoding of a text without a mark from its first megabyte; empty where it looks like no text at all."""
    with path.open("rb") as file:
        sample = file.read(SAMPLE)
    if b"\x00" in sample:
        return _wide(sample)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return _other_script(sample) or _latin(sample)
    return "utf-8"


def _wide(sample: bytes) -> str:
    """Tell UTF-16 by the zeros that every other byte of a western text is."""
    half = len(sample) // 2
    if sample[1::2].count(0) > 0.4 * half:
        return "utf-16-le"
    return "utf-16-be" if sample[::2].count(0) > 0.4 * half else ""


def _other_script(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=[*LATIN, *OTHER_SCRIPTS]).best()
    found = best.encoding if best is not None else ""
    return found if found in OTHER_SCRIPTS else ""


def _latin(sample: bytes) -> str:
    """Choose the code page in which most of the special signs are letters."""
    scores = [(_letters(sample, encoding), -place) for place, encoding in enumerate(LATIN)]
    score, place = max(scores)
    return LATIN[-place] if score >= 0.5 else ""


def _letters(sample: bytes, encoding: str) -> float:
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        return 0.0
    special = [sign for sign in text if sign > "\x7f"]
    control = sum(1 for sign in text if sign < " " and sign not in "\t\r\n")
    good = sum(1 for sign in special if sign.isalpha() or sign in TYPED)
    return good / len(special) if special and not control else 0.0
