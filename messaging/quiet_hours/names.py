"""What people and programs call time zones and states: names of Windows, of Rails and of the states, read as codes."""

import re
from datetime import date
from functools import lru_cache
from pathlib import Path
from zoneinfo import available_timezones

import holidays
from pydantic import BaseModel, ConfigDict
from tzlocal.windows_tz import win_tz

from data_contracts.yaml_files import read_yaml_file

ZONE_NAMES_FILE = Path(__file__).with_name("zone_names.yaml")
MEND = "Mend it there: zones are read by these names."
CONTINENTS = (
    "Africa",
    "America",
    "Antarctica",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)
_OFFSET = re.compile(r"^\((?:GMT|UTC)(?:[+-]\d{1,2}(?::?\d{2})?)?\)\s*", re.IGNORECASE)  # as lists show them


class _ZoneNames(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    cities: tuple[str, ...]
    others: dict[str, tuple[str, ...]]


def zone_named(name: str) -> str | None:
    """Give the IANA name of a time zone by any name of it (IANA's, Windows', Rails'), None where nobody knows it."""
    written = _OFFSET.sub("", name.strip())
    return _zones().get(written.casefold())


def region_named(country: str, region: str) -> str | None:
    """Give a state's bare code by its ISO 3166-2 code, its bare code or its name, None where the country has none so.

    `country` is ISO 3166 alpha-2: "US-TX", "tx" and "Texas" are TX in the US.
    """
    written = " ".join(region.split()).casefold()
    return _regions(country).get(written.removeprefix(f"{country.casefold()}-"))


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    # IANA's own names come last and so stand before every other
    names = read_yaml_file(ZONE_NAMES_FILE, mend=MEND).checked(_ZoneNames)
    cities = {
        zone.rpartition("/")[2].replace("_", " "): zone for zone in available_timezones() if _placed(zone)
    }
    return {
        **{name.casefold(): zone for name, zone in win_tz.items()},
        **{name.casefold(): cities[name] for name in names.cities},
        **{each.casefold(): zone for zone, spelt in names.others.items() for each in spelt},
        **{name.casefold(): name for name in available_timezones()},
    }


def _placed(zone: str) -> bool:
    return zone.partition("/")[0] in CONTINENTS


@lru_cache(maxsize=256)
def _regions(country: str) -> dict[str, str]:
    """Give the codes of a country's states, by their codes and names in lower case."""
    try:
        known = holidays.country_holidays(country)
    except NotImplementedError:
        return {}
    names = known.get_subdivision_aliases()
    return {each.casefold(): code for code in known.subdivisions for each in (*names.get(code, ()), code)}
