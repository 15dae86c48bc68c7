"""What the pipelines derive from the settings of an installation."""

import csv
from email.utils import parseaddr
from functools import cache
from importlib.resources import files
from pathlib import Path

from messaging.settings import Settings

DEFAULT_REGION = "GB"
DEMO_MARK = "demo.txt"  # lies in a home that a demo made
PROVIDERS = Path(__file__).parents[1] / "dbt_project" / "seeds" / "email_providers.csv"


def is_demo(settings: Settings) -> bool:
    """Say whether a demo made this home: it talks to nobody outside this machine."""
    return (settings.home / DEMO_MARK).exists()


def own_domains(settings: Settings) -> list[str]:
    """Give the company's own e-mail domains, lower case: they are never evidence of who a customer is.

    Those of RAPPORT_OWN_DOMAINS; where that is empty, the domain of RAPPORT_MAIL_FROM, unless it is a public
    provider's: a shop that writes from gmail.com does not own its customers' addresses there.
    """
    named = [domain.strip().lower() for domain in settings.own_domains.split(",") if domain.strip()]
    sender = parseaddr(settings.mail_from)[1].lower().rpartition("@")[2]
    return named or ([sender] if sender and sender not in _public_domains() else [])


@cache
def _public_domains() -> frozenset[str]:
    with PROVIDERS.open(newline="") as table:
        return frozenset(row["domain"] for row in csv.DictReader(table))


def home_region(settings: Settings) -> str:
    """Give the ISO country of the company's time zone: the country of a phone number that names none."""
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text()
    for line in table.splitlines():
        fields = line.split("\t")
        if len(fields) >= 3 and not line.startswith("#") and fields[2] == settings.time_zone:
            return fields[0]
    return DEFAULT_REGION
