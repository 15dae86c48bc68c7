"""Numbers, money, times and names as people read them. Pure: no page, no store."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$", "AUD": "A$", "CAD": "C$", "JPY": "¥"}
EXPONENTS = {
    "JPY": 0,
    "KRW": 0,
    "ISK": 0,
    "CLP": 0,
    "VND": 0,
    "BHD": 3,
    "KWD": 3,
    "JOD": 3,
    "OMR": 3,
    "TND": 3,
}
CHANNEL_NAMES = {
    "email": "E-mail",
    "sms": "SMS",
    "mms": "MMS",
    "whatsapp": "WhatsApp",
    "rcs": "RCS",
    "chat": "Chat",
    "voice": "Phone",
    "order": "Shop",
    "shop": "Shop",
    "web": "Web",
    "parcel": "Parcel",
    "profile": "Profile",
    "ticket": "Service",
    "linkedin": "LinkedIn",
    "tiktok": "TikTok",
    "wechat": "WeChat",
    "any": "Any channel",
}
SPOKEN = frozenset(
    {"email", "sms", "mms", "whatsapp", "rcs", "chat", "voice", "viber", "instagram", "facebook", "telegram"}
)  # channels in which people talk
STAGES = {
    "prospect": "Prospect",
    "new": "New customer",
    "active": "Active",
    "lapsing": "Lapsing",
    "lapsed": "Lapsed",
}
TABLE_NAMES = {
    "purchases": "Purchases",
    "products": "Products",
    "shipments": "Parcels",
    "email_messages": "E-mails",
    "email_events": "E-mail events",
    "sms_messages": "Text messages",
    "chat_messages": "Chats",
    "contacts": "Contacts",
    "consents": "Consents",
    "outreach": "Our own outreach",
    "tickets": "Tickets",
    "calls": "Calls",
    "reviews": "Reviews",
    "survey_responses": "Survey answers",
    "form_submissions": "Forms",
    "social_messages": "Social messages",
    "events": "Events",
}
MISSING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
MARKDOWN = re.compile(r"[!-/:-@\[-`{-~]")  # all that a backslash may stand before (CommonMark 2.4)
PICTURES = re.compile(r":(?=streamlit:|material_)")  # Streamlit looks for these after backslashes are gone
TURNS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")  # would turn the words beside them around
CLASS = re.compile(r"[a-z][a-z0-9_]*")
WORD_JOINER = "\u2060"  # has no width
MINUTE, HOUR, DAY = 60, 3600, 86400


def number(value: float) -> str:
    """Write a number with its thousands apart: 431,673."""
    return f"{value:,.0f}"


def money(minor: int | None, currency: str, *, whole: bool = False) -> str:
    """Write an amount of minor units: £1,234.50; `whole` leaves the pence out."""
    if minor is None:
        return MISSING
    exponent = EXPONENTS.get(currency, 2)
    amount = abs(minor) / 10**exponent
    symbol = SYMBOLS.get(currency, f"{currency} ")
    return f"{MINUS if minor < 0 else ''}{symbol}{amount:,.{0 if whole else exponent}f}"


def cost(millionths: int | None, currency: str) -> str:
    """Write an amount of millionths of a currency, as price lists count: £12.40."""
    if millionths is None:
        return MISSING
    return money(round(millionths * 10 ** EXPONENTS.get(currency, 2) / 1_000_000), currency)


def share(part: float, whole: float = 1) -> str:
    """Write a part of a whole as a percentage; what is a part is never written as 0 %, nor what lacks one as 100 %."""
    if not whole:
        return MISSING
    percent = 100 * part / whole
    if 99 < percent < 100:
        return ">99 %"
    return "<1 %" if 0 < percent < 1 else f"{percent:.0f} %"


def count(amount: int, one: str, many: str = "") -> str:
    """Write an amount with its noun: 1 order, 2 orders."""
    return f"{number(amount)} {one if amount == 1 else many or one + 's'}"


def day(moment: datetime | None, zone: str) -> str:
    """Write the day of a naive UTC moment as it is called in a zone: 30 Oct 2026."""
    return local(moment, zone).strftime("%-d %b %Y") if moment else MISSING


def dated(sentence: str) -> str:
    """Write the days in a sentence of the data's own as people do: 2026-10-29 becomes 29 Oct 2026."""

    def written(found: re.Match[str]) -> str:
        try:
            return f"{date.fromisoformat(found.group()):%-d %b %Y}"
        except ValueError:  # a number that only looks like a day
            return found.group()

    return re.sub(r"(?<![\w-])\d{4}-\d\d-\d\d(?![\w-])", written, sentence)


def clock(moment: datetime | None, zone: str) -> str:
    """Write a naive UTC moment to the minute in a zone: Fri 30 Oct 2026, 12:00."""
    return local(moment, zone).strftime("%a %-d %b %Y, %H:%M") if moment else MISSING


def local(moment: datetime, zone: str) -> datetime:
    """Turn naive UTC into the zone's own time."""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))


def ago(moment: datetime | None, now: datetime) -> str:
    """Say how long ago a moment was (both naive UTC): 5 minutes ago."""
    if moment is None:
        return "never"
    seconds = (now - moment) / timedelta(seconds=1)
    if seconds < MINUTE:
        return "just now"
    for size, noun in (
        (365 * DAY, "year"),
        (30 * DAY, "month"),
        (DAY, "day"),
        (HOUR, "hour"),
        (MINUTE, "minute"),
    ):
        if seconds >= size:
            return f"{count(int(seconds // size), noun)} ago"
    raise AssertionError("unreachable")


def duration(seconds: float) -> str:
    """Write a length of time by its largest unit: 40 seconds, 3 hours, 2 days."""
    for size, noun in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds >= size:
            return count(int(seconds // size), noun)
    return count(int(seconds), "second")


def plain(value: float) -> str:
    """Write a figure without digits that say nothing: 4, 4.5, 0.25."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def channel_name(channel: str | None) -> str:
    """Give a channel's name as people write it."""
    return CHANNEL_NAMES.get(channel or "", (channel or "other").replace("_", " ").capitalize())


def table_name(name: str) -> str:
    """Give what an inbound table holds, as people call it."""
    return TABLE_NAMES.get(name, title(name))


def stage_name(stage: str | None) -> str:
    """Give a lifecycle stage's name."""
    return STAGES.get(stage or "", (stage or "unknown").replace("_", " ").capitalize())


def title(name: str) -> str:
    """Turn a file's name into a heading: win_back -> Win back."""
    return name.replace("_", " ").strip().capitalize()


def safe(text: object) -> str:
    """Escape what customers or vendors wrote, so that it is shown and never obeyed; no override of direction stays."""
    return escape("" if text is None else TURNS.sub("", str(text)), quote=True)


def css_name(value: str | None) -> str:
    """Give a word of a source, such as a channel, as the end of a class's name: one that could name two is `other`."""
    return value if value and CLASS.fullmatch(value) else "other"


def label(text: str) -> str:
    """Write people's words for the label of a button, which Streamlit reads as markdown: pictures and links stay text."""
    plain_text = PICTURES.sub(f":{WORD_JOINER}", TURNS.sub("", " ".join(text.split())))
    return MARKDOWN.sub(r"\\\g<0>", plain_text)


def apart(labels: Mapping[str, str]) -> dict[str, str]:
    """Tell those of the same words apart by their keys: of two such options Streamlit takes the wrong one."""
    often = Counter(labels.values())
    return {key: f"{words} · {key}" if often[words] > 1 else words for key, words in labels.items()}


def total(parts: Mapping[str, int]) -> int:
    """Add up the parts of a sum."""
    return sum(parts.values())
