"""The words of the gate's sentences: channels, places and moments as a marketer calls them."""

from datetime import datetime

from messaging.quiet_hours import Place, local_time

_CHANNELS = {"email": "e-mail", "sms": "SMS", "whatsapp": "WhatsApp", "voice": "phone call"}
_PLACES = {Place("US", "FL"): "Florida", Place("US", "OK"): "Oklahoma", Place("FR"): "France"}


def thing(channel: str) -> str:
    """Name what a channel writes to."""
    return "e-mail address" if channel == "email" else "phone number"


def channel_name(channel: str) -> str:
    """Name a channel."""
    return _CHANNELS.get(channel, channel)


def city(zone: str) -> str:
    """Name a time zone by its city: New York for America/New_York."""
    return zone.rpartition("/")[2].replace("_", " ")


def place_name(place: Place) -> str:
    """Name a place whose law we tell of, any other by its codes."""
    return _PLACES.get(place) or ", ".join(each for each in (place.region, place.country) if each)


def day(moment: datetime) -> str:
    """Write a day as 3 May 2026."""
    return f"{moment:%d %B %Y}".lstrip("0")


def money(millionths: int, currency: str) -> str:
    """Write an amount with its currency, rounded to hundredths."""
    return f"{millionths / 1_000_000:,.2f} {currency}".rstrip()


def clock(moment: datetime, zone: str, seen_from: datetime) -> str:
    """Write a moment (naive UTC) as it is there: 09:00, with its weekday where that is another day."""
    there, here = local_time(moment, zone), local_time(seen_from, zone)
    return f"{there:%H:%M}" if there.date() == here.date() else f"{there:%A %H:%M}"
