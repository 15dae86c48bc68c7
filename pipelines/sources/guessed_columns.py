"""How one column of a file becomes one of ours, told by its values: amounts, numbers, times, flags and words."""

import re
from collections.abc import Iterator
from typing import Any

from pipelines.sources.evidence import SYMBOLS, Profile
from pipelines.sources.guessing import Guess, flag_words, in_minor_units, word_of
from pipelines.sources.vocabulary import Expression

CODE = re.compile(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])")
CODES = {
    "EUR", "GBP", "USD", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "TRY", "CAD", "AUD", "NZD", "JPY", "CNY",
    "INR", "BRL", "MXN", "ZAR", "SGD", "HKD", "AED", "ILS",
}  # fmt: skip
Amount = dict[str, Any]


def number(canonical: str, kind: str, profile: Profile) -> Expression:
    """Make a number, an amount or a flag, by the type that the contract wants."""
    if canonical.endswith("_minor"):
        return amount_of(profile)
    if kind in {"BIGINT", "INTEGER"}:
        return {"integer": profile.column}
    return _flag(profile) if kind == "BOOLEAN" else _double(profile)


def amount_of(profile: Profile) -> Amount:
    """Make an amount in minor units."""
    if in_minor_units(profile.column) and profile.integer >= 0.8:
        return {"integer": profile.column}
    letters = profile.share(lambda text: any(sign.isalpha() or sign == "¥" for sign in text)) > 0
    return {"money": {"column": profile.column, "drop": "[A-Za-z¥ ]+"} if letters else profile.column}


def _double(profile: Profile) -> Expression:
    words = profile.words
    if words and any("," in word for word in words):
        return {
            "column": profile.column,
            "map": {word: word.replace(",", ".") for word in words},
            "otherwise": "keep",
        }
    plain = profile.share(lambda text: text.replace(".", "", 1).removeprefix("-").isdigit())
    return profile.column if plain > 0.8 else {"column": profile.column, "extract": r"^([0-9]+(?:\.[0-9]+)?)"}


def _flag(profile: Profile) -> Expression:
    words = {
        flag: [word.lower() for word in profile.words if word.lower() in known]
        for flag, known in flag_words().items()
    }
    return {
        "flag": profile.column,
        "true_if": words["true"] or ["true"],
        "false_if": words["false"] or ["false"],
    }


def mapped_words(
    canonical: str, profile: Profile, allowed: tuple[str, ...], *, optional: bool
) -> tuple[Expression, str]:
    """Make one of the allowed words of what the file says, with a remark on those that nobody understands."""
    meant = {word: word_of(canonical, word, allowed) for word in profile.words}
    if meant and all(word == meaning for word, meaning in meant.items()):
        return profile.column, ""
    unknown = [word for word, meaning in meant.items() if not meaning]
    remark = f"legal are {', '.join(allowed)}" + (
        f"; say what {', '.join(unknown[:5])} is" if unknown else ""
    )
    known = {word.lower(): meaning for word, meaning in meant.items() if meaning} or {allowed[0]: allowed[0]}
    made: dict[str, Any] = {"column": profile.column, "map": known}
    return made | ({"otherwise": "empty"} if optional and unknown else {}), remark


def date_formats(profile: Profile) -> list[str]:
    """Give the forms of the dates, ISO last."""
    formats = [form for form in profile.formats if form != "iso"]
    iso = ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"] if "iso" in profile.formats else []
    return [*formats, *iso]


def doubt_about_time(profile: Profile) -> str:
    """Say what a person has to check about times; nothing where they are clear."""
    if profile.ambiguous:
        return "the values do not tell whether the day or the month comes first: check it"
    return "; ".join(profile.reasons)


def currency_of(guess: Guess) -> str:
    """Read the currency from the signs and letters of the amounts, or from their header; empty where they have none."""
    for canonical in ("net_amount_minor", "unit_price_minor", "price_minor", "value_minor"):
        profile = guess.get(canonical)
        if profile is None:
            continue
        found = {code for text in (profile.column, *profile.values) for code in _codes(text)}
        if len(found) == 1:
            return found.pop()
    return ""


def _codes(text: str) -> Iterator[str]:
    yield from (code for sign, code in SYMBOLS.items() if sign in text)
    yield from (code for code in CODE.findall(text) if code in CODES)
