"""Which column of a strange file is probably which column of a table: told by the words of its header and by its values."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from data_contracts.contracts import inbound_contracts, load_contract
from data_contracts.model import Contract
from pipelines.sources.drift import words_of
from pipelines.sources.evidence import COUNTRY, CURRENCY, EMAIL, LOCALE, PHONE, URL, Profile
from pipelines.sources.mapping import MADE_BY_US

FILE = Path(__file__).with_name("header_words.yaml")
FULL_NAME = "full_name"  # not a column of any table: it is taken apart into given_name and family_name
ENOUGH = 0.45
MISSPELT = 0.88  # as alike as Artikelnumer and Artikelnummer
# words that mean a column only where they stand alone: "number of items" is no order number
ALONE = {
    (word,)
    for word in (
        "number",
        "nummer",
        "numero",
        "id",
        "no",
        "nr",
        "an",
        "de",
        "via",
        "from",
        "to",
        "von",
        "order",
        "pos",
    )
}
NOT_OURS = {"raw_record", *MADE_BY_US}
MAILS = {"email", "from_email", "to_email"}
NAMES = {"given_name", "family_name", FULL_NAME}
CODES = {
    "currency": CURRENCY,
    "language": LOCALE,
    "locale": LOCALE,
    "url": URL,
    "page_url": URL,
    "recording_url": URL,
}
# what the values alone say, where the header says nothing
BY_VALUES: dict[str, tuple[re.Pattern[str], float]] = {
    "email": (EMAIL, 0.62), "phone": (PHONE, 0.55), "currency": (CURRENCY, 0.5), "country": (COUNTRY, 0.46),
}  # fmt: skip
# what makes a table this one: of each group a column has to be there
MARKS: dict[str, tuple[tuple[str, ...], ...]] = {
    "purchases": (("order_id",), ("net_amount_minor", "unit_price_minor")),
    "products": (("product_id",), ("name",)),
    "contacts": (
        ("email", "phone", "external_id", "handle"),
        ("given_name", "family_name", FULL_NAME, "street", "city", "birth_date", "postcode"),
    ),
    "consents": (("email", "phone", "external_id"), ("action",)),
    "shipments": (("tracking_number", "shipment_id", "carrier"), ("shipped_at", "delivered_at", "status")),
    "reviews": (("rating",), ("body", "title", "product_id", "product_name")),
    "survey_responses": (("score", "answer"), ("survey_name", "question", "answer", "response_id")),
    "tickets": (("subject", "ticket_id"), ("status", "priority", "assignee", "description")),
    "calls": (("duration_seconds", "call_id"), ("phone", "from_address", "to_address")),
    "chat_messages": (("body",), ("author_kind", "conversation_id")),
    "social_messages": (("body",), ("handle", "channel")),
    "sms_messages": (("body",), ("phone", "from_address", "to_address"), ("status", "segment_count")),
    "form_submissions": (("message", "form_name", "page_url"), ("email", "phone")),
    "events": (("name",), ("event_id", "properties", "device_id", "campaign", "value_minor", "url")),
    "email_events": (("event",), ("email",), ("message_ref", "event_id", "reason", "campaign")),
    "email_messages": (("subject",), ("from_email", "to_email"), ("body_text",)),
    "outreach": (("campaign",), ("state", "arm", "template")),
}  # fmt: skip


@dataclass(frozen=True)
class Guess:
    """What the columns of a file probably are in `table`, by canonical name; `score` says how well they fit it."""

    table: str
    columns: dict[str, Profile]
    more: dict[str, list[Profile]] = field(
        default_factory=dict
    )  # further columns of the same kind, such as a second phone
    score: float = 0.0

    def get(self, column: str) -> Profile | None:
        """Give what was found for a canonical column."""
        return self.columns.get(column)


def guess(table: str, profiles: Sequence[Profile]) -> Guess:
    """Assign the columns of a file to those of a table, the surest pair first; each column is used once."""
    contract = load_contract(table)
    wanted = [column.name for column in contract.columns if column.name not in NOT_OURS]
    wanted += [FULL_NAME] if "given_name" in wanted else []
    scored = [
        (score(contract, canonical, profile), canonical, profile)
        for canonical in wanted
        for profile in profiles
        if profile.filled or not profile.rows  # of a header alone its words have to do
    ]
    found: dict[str, tuple[float, Profile]] = {}
    more: dict[str, list[Profile]] = {}
    used: set[str] = set()
    for points, canonical, profile in sorted(scored, key=lambda item: -item[0]):
        if (
            points < ENOUGH
            or profile.column in used
            or (canonical == FULL_NAME and "family_name" in found and "given_name" in found)
        ):
            continue
        if canonical not in found:
            found[canonical] = (points, profile)
            used.add(profile.column)
        elif canonical == "phone" and points > 0.8:
            more.setdefault(canonical, []).append(profile)
            used.add(profile.column)
    columns = {canonical: profile for canonical, (_, profile) in found.items()}
    return Guess(table, columns, more, _fit(table, {key: points for key, (points, _) in found.items()}))


def nearest_table(profiles: Sequence[Profile], asked: Guess) -> str:
    """Name the table that the file looks like much more than the one that was asked for; empty where there is none.

    Only a table of which all marks are there can be named.
    """
    guesses = (guess(table, profiles) for table in inbound_contracts())
    likely = [each for each in guesses if _has_marks(each.table, each.columns)]
    best = max(likely, key=lambda each: each.score, default=asked)
    return best.table if best.table != asked.table and best.score > 1.25 * asked.score + 0.3 else ""


def _has_marks(table: str, columns: Collection[str]) -> bool:
    return all(any(column in columns for column in group) for group in MARKS.get(table, ()))


def score(contract: Contract, canonical: str, profile: Profile) -> float:
    """Say how probable it is, 0 to 1, that a column of the file is that column of the table."""
    by_header = header_score(contract.name, canonical, profile.column)
    fits = _plausible(contract, canonical, profile) if profile.rows else 1.0
    points = by_header * fits
    if canonical in BY_VALUES:
        pattern, sure = BY_VALUES[canonical]
        if profile.share(pattern.fullmatch) >= 0.9:
            points = max(points, sure)
    if canonical == "occurred_at" and profile.timed >= 0.9:
        points = max(points, 0.46)
    required = canonical != FULL_NAME and contract.column(canonical).required
    return points + 0.01 * required if points else 0.0


def header_score(table: str, canonical: str, header: str) -> float:
    """Say how well a header's words are those of a column."""
    heard = tuple(words_of(header))
    return max(
        (_alike(heard, phrase) - place * 0.002 for place, phrase in enumerate(_phrases(table, canonical))),
        default=0.0,
    )


def word_of(canonical: str, text: str, allowed: Iterable[str]) -> str:
    """Find which of the words that a column allows a cell means; empty where none is known."""
    said = " ".join(words_of(text))
    for word in allowed:
        if said == " ".join(words_of(word)) or said in _synonyms(canonical).get(word, ()):
            return word
    return ""


def flag_words() -> dict[str, frozenset[str]]:
    """Give the words for true and for false."""
    return {flag: frozenset(words) for flag, words in _words()["flags"].items()}


def in_minor_units(header: str) -> bool:
    """Say whether a header tells that its amounts are in cents, pence and so on."""
    return bool(set(words_of(header)) & set(_words()["minor_units"]))


def allowed_values(contract: Contract, canonical: str) -> tuple[str, ...]:
    """Give the few values that a contract allows in a column; none where it allows many or all."""
    if canonical == FULL_NAME or canonical in {"currency", "country"}:
        return ()
    rules = [rule for rule in contract.column(canonical).rules if rule.check == "values"]
    return rules[0].values if rules else ()


def _fit(table: str, points: dict[str, float]) -> float:
    """Weigh what was found: a column that few tables have says more; a table without its marks is none."""
    weights = _weights()
    total = sum(weights.get(canonical, 0.3) * point for canonical, point in points.items())
    missing = sum(1 for group in MARKS.get(table, ()) if not any(column in points for column in group))
    return total - 0.8 * missing


@cache
def _weights() -> dict[str, float]:
    counts: dict[str, int] = {}
    for contract in inbound_contracts().values():
        for column in contract.columns:
            counts[column.name] = counts.get(column.name, 0) + 1
    return {column: max(1 / count, 0.12) for column, count in counts.items()}


def _plausible(contract: Contract, canonical: str, profile: Profile) -> float:
    """Say whether the values may be that column's, from 0 (never) to 1."""
    kind = "VARCHAR" if canonical == FULL_NAME else contract.column(canonical).type
    if canonical in MAILS:
        return profile.share(EMAIL.search) if profile.share(EMAIL.search) > 0.5 else 0.0
    if kind in {"TIMESTAMP", "DATE"}:
        return profile.timed
    if kind in {"BIGINT", "INTEGER"} and not canonical.endswith("_minor"):
        return profile.integer if profile.integer >= 0.8 else 0.0
    if kind in {"BIGINT", "DOUBLE"}:
        return profile.numeric if profile.numeric >= 0.8 and profile.timed < 0.8 else _rated(kind, profile)
    if kind == "BOOLEAN":
        known = frozenset().union(*flag_words().values())
        return 1.0 if profile.words and all(word.lower() in known for word in profile.words) else 0.0
    return _text_fits(contract, canonical, profile)


def _rated(kind: str, profile: Profile) -> float:
    """Take 5/5 and "4 stars" for ratings."""
    return (
        0.9 * profile.share(re.compile(r"\d+([.,]\d+)?\s?(/|of|von|sur|stars?|sterne?|étoiles?)").match)
        if kind == "DOUBLE"
        else 0.0
    )


def _text_fits(contract: Contract, canonical: str, profile: Profile) -> float:
    if allowed := allowed_values(contract, canonical):
        known = sum(1 for word in profile.words if word_of(canonical, word, allowed))
        least = 0.0 if contract.column(canonical).required else 0.5  # a person can say what the words mean
        return max(known / len(profile.words), least) if profile.words else 0.0
    if canonical == "phone":
        return profile.share(_is_phone)
    if canonical in CODES:
        return profile.share(CODES[canonical].fullmatch if canonical != "currency" else _is_currency)
    if canonical in NAMES:
        return profile.share(
            lambda text: not EMAIL.search(text) and sum(letter.isdigit() for letter in text) <= 2
        )
    if profile.timed > 0.8 or (canonical == "external_id" and profile.share(EMAIL.fullmatch) > 0.5):
        return 0.4
    return 1.0


def _is_phone(text: str) -> bool:
    digits = sum(letter.isdigit() for letter in text)
    return 6 <= digits <= 16 and not re.search(
        r"[A-Za-z@]", text.removeprefix("tel:").removeprefix("whatsapp:")
    )


def _is_currency(text: str) -> bool:
    return bool(CURRENCY.fullmatch(text.upper()))


@lru_cache(maxsize=100_000)  # tables share most of their phrases, and a file may have a thousand columns
def _alike(heard: tuple[str, ...], phrase: tuple[str, ...]) -> float:
    if not heard or not phrase:
        return 0.0
    one, other = "".join(heard), "".join(phrase)
    if heard == phrase or one == other:
        return 1.0
    if set(phrase) <= set(heard) and phrase not in ALONE:
        return 0.62 + 0.28 * len(phrase) / len(heard)
    if len(other) >= 6 and (one.startswith(other) or one.endswith(other)):
        return 0.6
    shorter, longer = sorted((len(one), len(other)))
    if len(other) < 5 or 2 * shorter / (shorter + longer) < MISSPELT:
        return 0.0
    return 0.55 if SequenceMatcher(None, one, other).ratio() >= MISSPELT else 0.0


def _phrases(table: str, canonical: str) -> tuple[tuple[str, ...], ...]:
    return (
        _split_words()[0].get(f"{table}.{canonical}", ())
        + _split_words()[0].get(canonical, ())
        + (tuple(words_of(canonical)),)
    )


def _synonyms(canonical: str) -> dict[str, frozenset[str]]:
    return _split_words()[1].get(canonical, {})


@cache
def _split_words() -> tuple[dict[str, tuple[tuple[str, ...], ...]], dict[str, dict[str, frozenset[str]]]]:
    def split(phrases: list[str]) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(words_of(each)) for each in phrases)

    words = _words()
    columns = {canonical: split(phrases) for canonical, phrases in words["columns"].items()}
    for table, overrides in words["tables"].items():
        columns |= {f"{table}.{canonical}": split(phrases) for canonical, phrases in overrides.items()}
    values = {
        canonical: {
            word: frozenset(" ".join(words_of(each)) for each in phrases)
            for word, phrases in synonyms.items()
        }
        for canonical, synonyms in words["values"].items()
    }
    return columns, values


@cache
def _words() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(FILE.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - every word stays text
    return found
