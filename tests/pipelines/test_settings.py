"""What the pipelines derive from an installation's settings."""

from pathlib import Path

import pytest

from messaging.settings import read_settings
from pipelines.settings import home_region, own_domains


@pytest.mark.parametrize(
    ("named", "mail_from", "own"),
    [
        ("", "Shop <hello@shop.example.com>", ["shop.example.com"]),
        ("", "shop@gmail.com", []),
        ("", "", []),
        ("a.example.com, B.example.com", "hello@shop.example.com", ["a.example.com", "b.example.com"]),
    ],
)
def test_own_domains_are_those_named_or_the_senders_but_never_a_public_providers(
    tmp_path: Path, named: str, mail_from: str, own: list[str]
) -> None:
    assert own_domains(read_settings(home=tmp_path, own_domains=named, mail_from=mail_from)) == own


@pytest.mark.parametrize(
    ("zone", "region"), [("Europe/Berlin", "DE"), ("America/New_York", "US"), ("UTC", "GB")]
)
def test_a_phone_number_without_a_country_belongs_to_the_companys(
    tmp_path: Path, zone: str, region: str
) -> None:
    assert home_region(read_settings(home=tmp_path, time_zone=zone)) == region
