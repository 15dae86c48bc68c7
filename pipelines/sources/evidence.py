"""What the values of a file's columns look like: e-mails, phones, numbers of a style, times of a format."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from data_contracts.sql import Sql, joined, name, sql, value
from pipelines.sources.readings import reading
from pipelines.sources.records import POSITION

MOST_WORDS = 40  # a column with more different values holds no fixed words
# fmt: off
DAYS = ("%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%y", "%d/%m/%y", "%d-%m-%y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y",
        "%d-%b-%y")
MONTHS = ("%m/%d/%Y", "%m-%d-%Y", "%m.%d.%Y", "%m/%d/%y", "%m-%d-%y", "%m.%d.%y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y")
YEARS = ("%Y/%m/%d", "%Y.%m.%d", "%Y%m%d")
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", ", %H:%M", ", %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %I:%M %p",
          ", %I:%M:%S %p", " %H:%M:%S %z")
WHOLE = ("iso", "%a, %d %b %Y %H:%M:%S %z", "%Y%m%d%H%M%S", "%Y/%m/%dT%H:%M:%S")
# fmt: on
SWAPPED = {"%d": "%m", "%m": "%d"}
EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]{2,}")
PHONE = re.compile(r"(\+|00|\(?0)[\d\s()/.\-]{6,20}|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}")
URL = re.compile(r"https?://\S+", re.IGNORECASE)
CURRENCY = re.compile(r"[A-Z]{3}")
COUNTRY = re.compile(r"[A-Z]{2}")
LOCALE = re.compile(r"[a-z]{2}([-_][A-Za-z]{2,4})?")
WHOLE_NUMBER = re.compile(r"[+-]?\d{1,18}")
MONEY_SIGNS = re.compile(r"[\s\u00a0\u202f'£$€¥]|(?<![A-Za-z])[A-Za-z]{2,3}(?![A-Za-z])")
POINT = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)?(\.\d+)?")
COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+)?(,\d+)?")
SYMBOLS = {"£": "GBP", "€": "EUR", "$": "USD", "¥": "JPY"}
TIMED = ("TIMESTAMP", "DATE")
NUMBERED = (
    "BIGINT",
    "INTEGER",
    "SMALLINT",
    "TINYINT",
    "DOUBLE",
    "FLOAT",
    "DECIMAL",
    "HUGEINT",
    "UBIGINT",
    "UINTEGER",
)


@dataclass(frozen=True)
class Profile:
    """What is known about a column. Shares are of the values that are there, 0 to 1.

    `values` are those of the sample; `rows`, `filled`, `distinct` and `always` are about the whole file.
    """

    column: str
    type: str
    values: tuple[str, ...]
    rows: int
    filled: int
    distinct: int
    formats: tuple[str, ...] = ()
    timed: float = 0.0
    ambiguous: bool = False
    reasons: tuple[str, ...] = field(default=())

    @property
    def always(self) -> bool:
        """Say whether every row of the file has a value."""
        return self.rows > 0 and self.filled == self.rows

    @property
    def unique(self) -> bool:
        """Say whether every row of the file has a value of its own."""
        return self.always and self.distinct == self.rows

    @property
    def words(self) -> tuple[str, ...]:
        """Give the different values, most frequent first; none where there are too many to be fixed words."""
        counts: dict[str, int] = {}
        for text in self.values:
            counts[text] = counts.get(text, 0) + 1
        return tuple(sorted(counts, key=lambda word: -counts[word])) if len(counts) <= MOST_WORDS else ()

    def share(self, fits: Callable[[str], object]) -> float:
        """Give the share of values that fit."""
        return sum(1 for text in self.values if fits(text)) / len(self.values) if self.values else 0.0

    @property
    def numeric(self) -> float:
        """Give the share of values that are numbers, whatever their decimal sign and currency."""
        if self.type.startswith(NUMBERED):
            return 1.0
        return self.share(lambda text: is_number(text, ".") or is_number(text, ","))

    @property
    def integer(self) -> float:
        """Give the share of values that are whole numbers."""
        return self.share(lambda text: WHOLE_NUMBER.fullmatch(text.removesuffix(".0")))

    @property
    def negative(self) -> bool:
        """Say whether a number is below nought."""
        return any(
            text.startswith("-") and is_number(text, ".") | is_number(text, ",") for text in self.values
        )

    @property
    def largest(self) -> float:
        """Give the largest number of the sample; 0 without one."""
        numbers = [
            float(text.replace(",", "."))
            for text in self.values
            if re.fullmatch(r"-?\d{1,15}([.,]\d{1,9})?", text)
        ]
        return max(numbers, default=0.0)


def is_number(text: str, sign: str) -> bool:
    """Say whether a text is a decimal with that sign, perhaps with a currency."""
    bare = MONEY_SIGNS.sub("", text)
    return any(letter.isdigit() for letter in bare) and bool(
        (POINT if sign == "." else COMMA).fullmatch(bare)
    )


def decimal_sign(profiles: Iterable[Profile]) -> tuple[str, str]:
    """Tell the decimal sign by all numbers that have one; also says so where nothing tells it.

    1.234 alone may be either; 12.50 and 1,234.50 are not.
    """
    votes = {".": 0, ",": 0}
    open_question = False
    for profile in profiles:
        if profile.numeric < 0.8 or profile.timed > 0.8 or profile.type != "VARCHAR":
            continue
        for text in profile.values:
            bare = MONEY_SIGNS.sub("", text)
            point, comma = bool(POINT.fullmatch(bare)), bool(COMMA.fullmatch(bare))
            if point != comma:
                votes["." if point else ","] += 1
            elif "." in bare or "," in bare:
                open_question = True
    sign = "," if votes[","] > votes["."] else "."
    if sum(votes.values()) == 0 and open_question:
        return sign, "the values do not tell whether 1.234 is about one or about a thousand: check it"
    return sign, ""


def profiles_of(
    connection: duckdb.DuckDBPyConnection, types: dict[str, str], now: datetime, sample: int
) -> list[Profile]:
    """Profile every column of the table `records`."""
    return [_profile(connection, column, kind, now, sample) for column, kind in types.items()]


def unique_together(connection: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> bool:
    """Say whether columns together name each row of the file."""
    query = sql(
        "SELECT count(*) = count(DISTINCT concat_ws(chr(31), {})) FROM records",
        joined(", ", map(name, columns)),
    )
    return bool(connection.execute(query.text, query.bound).fetchall()[0][0])


def _profile(
    connection: duckdb.DuckDBPyConnection, column: str, kind: str, now: datetime, sample: int
) -> Profile:
    text = sql("nullif(trim(CAST({} AS VARCHAR)), '')", name(column))
    counted = sql("SELECT count(*), count({}), count(DISTINCT {}) FROM records", text, text)
    rows, filled, distinct = connection.execute(counted.text, counted.bound).fetchall()[0]
    picked = sql(
        "SELECT {} AS t FROM (SELECT * FROM records ORDER BY {} LIMIT {}) WHERE {} IS NOT NULL",
        text, name(POSITION), Sql(str(sample)), text,
    )  # fmt: skip
    values = tuple(row[0] for row in connection.execute(picked.text, picked.bound).fetchall())
    profile = Profile(column, kind, values, rows, filled, distinct)
    if kind.startswith(TIMED):
        return _with(profile, ("iso",), 1.0)
    return _timed(connection, profile, now) if kind == "VARCHAR" and values else profile


def _with(
    profile: Profile,
    formats: tuple[str, ...],
    timed: float,
    *,
    ambiguous: bool = False,
    reasons: tuple[str, ...] = (),
) -> Profile:
    base = {key: getattr(profile, key) for key in ("column", "type", "values", "rows", "filled", "distinct")}
    return Profile(**base, formats=formats, timed=timed, ambiguous=ambiguous, reasons=reasons)


def _timed(connection: duckdb.DuckDBPyConnection, profile: Profile, now: datetime) -> Profile:
    """Find the formats that read the times of a column; day and month are told apart by all values of the file."""
    if profile.share(lambda text: sum(letter.isdigit() for letter in text) >= 5) < 0.8:
        return profile
    hits = _hits(connection, _formats_for(profile), list(dict.fromkeys(profile.values)))
    total = len(set(profile.values))
    chosen: list[str] = []
    left = set(profile.values)
    for form in sorted(hits, key=lambda form: -len(hits[form])):
        if hits[form] & left and len(chosen) < 4:
            chosen.append(form)
            left -= hits[form]
    timed = 1 - len(left) / total
    if timed < 0.8:
        return profile
    decided, reasons, ambiguous = [], [], False
    for form in chosen:
        better, why, open_question = _day_or_month(connection, profile.column, form, now)
        decided.append(better)
        reasons += [why] if why else []
        ambiguous |= open_question
    return _with(
        profile,
        tuple(dict.fromkeys(decided)),
        timed,
        ambiguous=ambiguous,
        reasons=tuple(dict.fromkeys(reasons)),
    )


def _formats_for(profile: Profile) -> list[str]:
    """Leave out what cannot be, so that a number is not taken for a time."""
    found = [f"{day}{clock}" for day in (*DAYS, *MONTHS, *YEARS) for clock in CLOCKS] + list(WHOLE)
    if profile.integer > 0.8:  # digits alone
        numbers = [int(text) for text in profile.values if WHOLE_NUMBER.fullmatch(text)]
        days = all(19000101 <= number <= 21001231 for number in numbers)
        seconds = all(400_000_000 <= number <= 4_000_000_000 for number in numbers)
        moments = all(len(str(number)) == 14 for number in numbers)
        return ["%Y%m%d"] * days + ["unix"] * (seconds and not days) + ["%Y%m%d%H%M%S"] * moments
    return found


def _hits(
    connection: duckdb.DuckDBPyConnection, formats: list[str], values: list[str]
) -> dict[str, set[str]]:
    if not formats:
        return {}
    readings = joined(", ", (reading(Sql("t"), form, value("UTC")) for form in formats))
    query = sql(
        "SELECT t, list_transform([{}], lambda m: m IS NOT NULL) FROM (SELECT unnest({}) AS t)",
        readings,
        value(values),
    )
    hits: dict[str, set[str]] = {form: set() for form in formats}
    for text, fits in connection.execute(query.text, query.bound).fetchall():
        for form, fit in zip(formats, fits, strict=True):
            if fit:
                hits[form].add(text)
    return {form: found for form, found in hits.items() if found}


def _day_or_month(
    connection: duckdb.DuckDBPyConnection, column: str, form: str, now: datetime
) -> tuple[str, str, bool]:
    """Choose between 3 April and 4 March by all values; gives the format, the reason, and whether it stays open."""
    if not re.search(r"%d\W%m|%m\W%d", form):
        return form, "", False
    other = re.sub("%[dm]", lambda match: SWAPPED[match.group(0)], form)
    tried = {each: _tried(connection, column, each) for each in (form, other)}
    pairs = [(form, other), (other, form)]
    for each, against in pairs:
        if tried[each].read > tried[against].read:
            return each, "", False
    for each, against in pairs:
        if not tried[each].after(now) and tried[against].after(now):
            return each, "the other order of day and month would give days in the future", False
    for each, against in pairs:
        if tried[each].ordered and not tried[against].ordered:
            return each, "the rows are in the order of time only with the day and the month this way", False
    first = "%m" if "%p" in form else "%d"
    chosen = form if form.startswith(first) else other
    # nobody writes 03.04.2026 and means March
    return chosen, "", ".%m" not in chosen


@dataclass(frozen=True)
class _Tried:
    """All values read in one format: how many could be read, the latest, and whether they rise or fall row by row."""

    read: int
    latest: datetime | None
    ordered: bool

    def after(self, now: datetime) -> bool:
        return self.latest is not None and self.latest > now


def _tried(connection: duckdb.DuckDBPyConnection, column: str, form: str) -> _Tried:
    moment = reading(Sql("t"), form, value("UTC"))
    query = sql(
        "WITH read AS (SELECT {} AS p, trim(CAST({} AS VARCHAR)) AS t FROM records), timed AS (SELECT p, {} AS m FROM read)"
        " SELECT count(m), max(m), coalesce(bool_and(rises), FALSE) OR coalesce(bool_and(falls), FALSE) FROM (SELECT m,"
        " m >= lag(m, 1, m) OVER (ORDER BY p) AS rises, m <= lag(m, 1, m) OVER (ORDER BY p) AS falls"
        " FROM timed WHERE m IS NOT NULL)",
        name(POSITION), name(column), moment,
    )  # fmt: skip
    count, latest, ordered = connection.execute(query.text, query.bound).fetchall()[0]
    return _Tried(count, latest, bool(ordered) and count > 2)
