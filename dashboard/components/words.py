"""Numbers, money, times and names as people read them. Pure: no page, no store."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
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


def share(part: int, whole: int) -> str:
    """Write a part of a whole as a percentage; a small but real part is never written as 0 %."""
    if not whole:
        return MISSING
    percent = 100 * part / whole
    return "<1 %" if 0 < percent < 1 else f"{percent:.0f} %"


def count(amount: int, one: str, many: str = "") -> str:
    """Write an amount with its noun: 1 order, 2 orders."""
    return f"{number(amount)} {one if amount == 1 else many or one + 's'}"


def day(moment: datetime | None, zone: str) -> str:
    """Write the day of a naive UTC moment as it is called in a zone: 30 Oct 2026."""
    return local(moment, zone).strftime("%-d %b %Y") if moment else MISSING


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
    """Escape what customers or vendors wrote, so that it is shown and never obeyed."""
    return escape("" if text is None else str(text), quote=True)


def total(parts: Mapping[str, int]) -> int:
    """Add up the parts of a sum."""
    return sum(parts.values())
