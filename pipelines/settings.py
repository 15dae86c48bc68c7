"""What the pipelines derive from the settings of an installation."""

from importlib.resources import files

from messaging.settings import Settings

DEFAULT_REGION = "GB"


def own_domains(settings: Settings) -> list[str]:
    """Give the company's own e-mail domains, lower case: they are never evidence of who a customer is."""
    return [domain.strip().lower() for domain in settings.own_domains.split(",") if domain.strip()]


def home_region(settings: Settings) -> str:
    """Give the ISO country of the company's time zone: the country of a phone number that names none."""
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text()
    for line in table.splitlines():
        fields = line.split("\t")
        if len(fields) >= 3 and not line.startswith("#") and fields[2] == settings.time_zone:
            return fields[0]
    return DEFAULT_REGION
