"""Where the owner of a profile and a phone may be: every zone and every place whose rules may hold."""

from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import timezone as phone_zones

from messaging.addresses import country_of, parsed_number, told_by
from messaging.quiet_hours.names import region_named, zone_named

# A number of any other type (toll-free, shared cost, personal, pager, VoIP) tells nothing about where its
# owner is.
PLACED_TYPES = {
    phonenumbers.PhoneNumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
}


class Place(NamedTuple):
    """Where somebody may be: a country (ISO 3166 alpha-2) and, where known, a state's code."""

    country: str
    region: str | None = None


@lru_cache(maxsize=1024)
def known_zone(name: str | None) -> bool:
    """Say whether a name is a time zone that we can compute with."""
    try:
        return bool(name) and name != phone_zones.UNKNOWN_TIMEZONE and zone(name) is not None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def candidate_zones(profile_zone: str | None, phone: str | None) -> tuple[str, ...]:
    """Give every zone where the owner of a profile and a phone (E.164) may be; none where we cannot tell.

    A number that is not tied to a place, such as a toll-free one, tells nothing. A zone that the profile names and nobody
    knows leaves none: its owner is somewhere, and it may be night there.
    """
    zones = set()
    if profile_zone and profile_zone.strip() not in {"", phone_zones.UNKNOWN_TIMEZONE}:
        named = profile_zone if known_zone(profile_zone) else zone_named(profile_zone)
        if named is None:
            return ()
        zones.add(named)
    if phone is not None:
        zones |= set(_phone_zones(phone))
    return tuple(sorted(zones))


def candidate_places(country: str | None, region: str | None, phone: str | None) -> tuple[Place, ...]:
    """Give every place whose rules may hold for the owner of a profile and a phone (E.164).

    `region` is a state as ISO 3166-2 (US-TX), its bare code or its name; one that the country does not have is unknown.
    """
    phone_country = country_of(phone) if phone else None
    other = Place(phone_country) if phone_country else None
    if not country:
        return (other,) if other else ()
    code = country.strip().upper()
    theirs = Place(code, region_named(code, region) if region else None)
    if other is None or other.country == theirs.country:
        return (theirs,)
    return (theirs, other) if theirs.country < other.country else (other, theirs)


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Give a time zone by its IANA name."""
    return ZoneInfo(name)


@lru_cache(maxsize=65536)
def _phone_zones(phone: str) -> tuple[str, ...]:
    number, kind = parsed_number(phone), told_by(phone).kind
    if number is None or number.country_code is None or kind not in PLACED_TYPES:
        return ()
    local = phonenumbers.is_number_type_geographical(kind, number.country_code)
    find = phone_zones.time_zones_for_geographical_number if local else phone_zones.time_zones_for_number
    return tuple(name for name in find(number) if known_zone(name))
