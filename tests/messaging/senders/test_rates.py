"""How fast senders may go: what the file says, else what is usual for the number."""

from pathlib import Path
from typing import Any

import pytest

from data_contracts.errors import SettingsError
from messaging.senders.rates import Rates, read_rates
from messaging.settings import read_settings

LIVE = {"sending": "live", "twilio_account_sid": "AC1", "public_url": "https://example.com"}


def _rates(home: Path, words: str | None = None, **settings: Any) -> Rates:
    if words is not None:
        (home / "senders.yaml").write_text(words)
    return read_rates(read_settings(home=home, **settings))


def test_a_file_bounds_senders_by_kind_or_by_figure(home: Path) -> None:
    rates = _rates(
        home,
        "sms: {kind: toll_free}\nwhatsapp: {per_second: 40}\nbreaker: {failures: 9, seconds: 5}\n",
    )
    assert rates.per_second == {"sms": 3.0, "whatsapp": 40.0}
    assert (rates.failures, rates.rest.total_seconds()) == (9, 5)
    assert rates.sender("sms") == "sms/+15005550006"


@pytest.mark.parametrize(
    ("number", "per_second"),
    [("+15550001111", 1.0), ("+18885550000", 3.0), ("+447700900123", 10.0), ("28473", 100.0)],
)
def test_without_a_file_a_live_number_goes_as_fast_as_its_kind_may(
    home: Path, number: str, per_second: float
) -> None:
    rates = _rates(home, twilio_from_number=number, **LIVE)
    assert rates.per_second == {"sms": per_second, "whatsapp": 80.0, "voice": 1.0}


def test_a_messaging_service_and_the_sandbox_are_not_bounded(home: Path) -> None:
    service = {"twilio_from_number": "+15550001111", "twilio_messaging_service_sid": "MG1"}
    assert "sms" not in _rates(home, **service, **LIVE).per_second
    assert _rates(home).per_second == {}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("sms: {kind: 10dlc}\n", "per_second"),
        ("sms: {}\n", "per_second or a kind"),
        ("sms: {kind: pigeon}\n", "pigeon"),
        ("fax: {per_second: 1}\n", "fax"),
        ("sms: {per_second: 0}\n", "per_second"),
    ],
)
def test_a_wrong_file_is_refused_by_its_line(home: Path, words: str, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        _rates(home, words)
    assert told in str(refused.value)
    assert "line 1" in str(refused.value)
