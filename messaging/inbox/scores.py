"""Which number somebody answered a survey with: read where it is plain, and left unread where it is not. Pure."""

import re

from messaging.inbox.written import new_words

_NUMBER = re.compile(
    r"(?<![\w.,:/-])(?P<score>\d{1,3})(?:\s*(?:/|out of|of|von|sur)\s*(?P<highest>\d{1,3}))?(?![\w:/-]|[.,]\d)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+")
_WORDS = (  # English, German, French
    ("zero", "null", "zéro"), ("one", "eins", "un"), ("two", "zwei", "deux"), ("three", "drei", "trois"),
    ("four", "vier", "quatre"), ("five", "fünf", "cinq"), ("six", "sechs"), ("seven", "sieben", "sept"),
    ("eight", "acht", "huit"), ("nine", "neun", "neuf"), ("ten", "zehn", "dix"),
)  # fmt: skip
_MEANT = {word: number for number, words in enumerate(_WORDS) for word in words}
FEW_WORDS = 3  # a number word in a longer sentence counts something else more often than not


def read_score(text: str, lowest: int, highest: int) -> int | None:
    """Give the score of an answer, None where it has none, several, or one on another scale.

    A number on a first line of its own is meant, whatever follows it.
    """
    words = new_words(text).strip()
    lines = words.splitlines()
    alone = _NUMBER.fullmatch(lines[0].strip(" .!*")) if lines else None
    found = [alone] if alone else list(_NUMBER.finditer(words))
    scores = {int(each["score"]) for each in found if each["highest"] in {None, str(highest)}}
    if not found:
        told = _WORD.findall(words.lower())
        scores = {_MEANT[word] for word in told if word in _MEANT} if len(told) <= FEW_WORDS else set()
    score = next(iter(scores)) if len(scores) == 1 else None
    return score if score is not None and lowest <= score <= highest else None
