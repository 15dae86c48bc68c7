"""Which number somebody answered a survey with: read where it is plain, and left unread where it is not. Pure."""

import re

from messaging.inbox.written import new_words

_NUMBER = re.compile(
    r"(?<![\w.,:/-])(?P<score>\d{1,3})(?:\s*(?:/|out of|of|von|sur)\s*(?P<highest>\d{1,3}))?(?![\w:/-]|[.,]\d)",
    re.IGNORECASE,
)
# What follows a score: an end, a mark, or what somebody says of it. Another word is what it counts: 3 weeks, 0 problems.
_ENDS = re.compile(
    r"\s*(?:$|[^\w\s%€$£¥°&]|(?:points?|punkte?|stars?|sterne?|étoiles?|from|von|because|but|thanks?|weil|aber|danke|car|"
    r"parce|mais|merci)\b)",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?:[#€$£¥№]|\b(?:no|nr|n°|number|nummer|numéro|order|bestellung|commande)[.:]?)\s*$", re.IGNORECASE
)  # before it: the number of something, or an amount
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
    if not alone and not all(each["highest"] or _is_plain(words, each) for each in found):
        return None
    if not found:
        told = _WORD.findall(words.lower())
        scores = {_MEANT[word] for word in told if word in _MEANT} if len(told) <= FEW_WORDS else set()
    score = next(iter(scores)) if len(scores) == 1 else None
    return score if score is not None and lowest <= score <= highest else None


def _is_plain(words: str, number: re.Match[str]) -> bool:
    """Say whether a number stands for itself, and counts or names nothing else."""
    return bool(_ENDS.match(words, number.end())) and not _NAMED.search(words[: number.start()])
