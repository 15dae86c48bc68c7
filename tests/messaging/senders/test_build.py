"""Building senders: nothing to set in the sandbox, everything named that is missing when live."""

import subprocess
import sys

import pytest

from data_contracts.errors import SettingsError
from messaging.senders.build import build_senders, missing_settings
from messaging.senders.smtp import SmtpSender
from messaging.senders.twilio import TwilioSender
from messaging.settings import Settings, read_settings

SMS = {
    "TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
    "TWILIO_AUTH_TOKEN": "token",
    "TWILIO_FROM_NUMBER": "+15005550006",
}
MAIL = {"RAPPORT_SMTP_URL": "smtps://mail.example.com", "RAPPORT_MAIL_FROM": "hello@example.com"}
LIVE = {"RAPPORT_SENDING": "live", "RAPPORT_PUBLIC_URL": "https://hooks.example.com"}


def _live(monkeypatch: pytest.MonkeyPatch, settings: Settings, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return read_settings(home=settings.home)


def test_the_sandbox_needs_nothing(settings: Settings) -> None:
    senders = build_senders(settings)
    assert isinstance(senders["sms"], TwilioSender)
    assert isinstance(senders["email"], SmtpSender)
    assert missing_settings(settings) == []


def test_live_with_everything_sends_by_every_channel(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    assert set(build_senders(_live(monkeypatch, settings, **LIVE, **SMS, **MAIL))) == {"sms", "email"}


@pytest.mark.parametrize(("given", "channel"), [(SMS, "sms"), (MAIL, "email")])
def test_live_sends_by_the_channel_that_is_set_up(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, given: dict[str, str], channel: str
) -> None:
    assert set(build_senders(_live(monkeypatch, settings, **LIVE, **given))) == {channel}


def test_live_without_anything_names_every_missing_variable(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    live = _live(monkeypatch, settings, RAPPORT_SENDING="live")
    with pytest.raises(SettingsError) as told:
        build_senders(live)
    assert str(told.value) == (
        "To send for real, these have to be set: TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, "
        "TWILIO_FROM_NUMBER or TWILIO_MESSAGING_SERVICE_SID, RAPPORT_PUBLIC_URL, RAPPORT_SMTP_URL, "
        "RAPPORT_MAIL_FROM. See docs/settings.md."
    )
    assert set(missing_settings(live)) >= {"TWILIO_ACCOUNT_SID", "RAPPORT_MAIL_FROM"}


@pytest.mark.parametrize("absent", sorted(SMS))
def test_a_channel_that_is_set_up_in_part_names_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, absent: str
) -> None:
    given = {name: value for name, value in SMS.items() if name != absent}
    live = _live(monkeypatch, settings, **LIVE, **given, **MAIL)
    with pytest.raises(SettingsError, match=f"To send for real, {absent}.* has to be set"):
        build_senders(live)


def test_live_needs_an_address_that_the_provider_can_call_back(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    live = _live(monkeypatch, settings, RAPPORT_SENDING="live", **SMS)
    with pytest.raises(SettingsError, match="RAPPORT_PUBLIC_URL has to be set"):
        build_senders(live)


def test_the_twilio_client_is_only_loaded_where_it_sends() -> None:
    probe = "import sys, messaging.dispatch, messaging.senders.build; print('twilio' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
