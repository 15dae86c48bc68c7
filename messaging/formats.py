"""How money, dates and names are written, by language. Pure functions on plain values."""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

# Minor units that are not a hundredth (ISO 4217, of the currencies that shops use).
EXPONENTS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "XAF"), 0
    ),
    **dict.fromkeys(("XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
SYMBOLS = {
    "GBP": "£",
    "EUR": "€",
    "USD": "$",
    "JPY": "¥",
    "SEK": "kr",
    "NOK": "kr",
    "DKK": "kr",
    "CHF": "CHF",
}
GROUPS_AND_POINTS = {"en": (",", "."), "de": (".", ","), "es": (".", ","), "pt": (".", ","), "fr": (" ", ",")}
SPACED = (" ", ",")  # Swedish and whatever else: the way of ISO 31-0
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
}
DATES = {
    "de": "{day}. {month} {year}",
    "es": "{day} de {month} de {year}",
    "pt": "{day} de {month} de {year}",
}
NO_NAMES = frozenset(
    {"test", "n/a", "na", "none", "null", "unknown", "customer", "kunde", "client", "guest", "anonymous"}
    | {"mr", "mrs", "ms", "madam", "sir", "dr", "x", "xx", "xxx"}
)
LOOKS_LIKE_A_SITE = re.compile(r"\w{2,}[.\u3002\uff0e]\w{2,}")
LONGEST_NAME = 40


def money(minor: int, currency: str, language: str = "en") -> str:
    """Write an amount of minor units, such as 123450 GBP in English: £1,234.50."""
    exponent = EXPONENTS.get(currency, 2)
    whole, rest = divmod(abs(minor), 10**exponent)
    group, point = GROUPS_AND_POINTS.get(language, SPACED)
    digits = f"{whole:,}".replace(",", group) + (f"{point}{rest:0{exponent}d}" if exponent else "")
    symbol, sign = SYMBOLS.get(currency, currency), "-" if minor < 0 else ""
    if language == "en":
        return f"{sign}{symbol}{' ' if symbol.isalpha() else ''}{digits}"
    return f"{sign}{digits} {symbol}"


def number(value: float, language: str = "en") -> str:
    """Write a number with its thousands grouped the way of a language; at most one decimal."""
    group, point = GROUPS_AND_POINTS.get(language, SPACED)
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
    return text.translate({ord(","): group, ord("."): point})


def day(moment: datetime | date, language: str = "en", time_zone: str | None = None) -> str:
    """Write the local date of a moment (naive UTC), such as 30 October 2026."""
    if isinstance(moment, datetime) and time_zone:
        moment = moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(time_zone))
    month = MONTHS.get(language, MONTHS["en"]).split()[moment.month - 1]
    return DATES.get(language, "{day} {month} {year}").format(day=moment.day, month=month, year=moment.year)


def name(text: str) -> str | None:
    """Make a name fit to greet with (not all capitals), or give None for a placeholder or an address."""
    tidy = " ".join(text.split()).strip(" ,;.-_\"'")
    if (
        not tidy
        or tidy.lower() in NO_NAMES
        or len(tidy) > LONGEST_NAME
        or re.search(r"[\d@/<>{}\[\]\\|=:]", tidy)
        or LOOKS_LIKE_A_SITE.search(
            tidy
        )  # a phone makes a link of it, and the greeting would be its sender's
    ):
        return None
    if not any(letter.isalpha() for letter in tidy) or (len(tidy) == 1 and tidy.isascii()):
        return None
    if tidy.isupper() or tidy.islower():
        return re.sub(r"[^\W\d_]+(['\u2019][^\W\d_]{1,2}\b)?", lambda part: part.group().capitalize(), tidy)
    return tidy
