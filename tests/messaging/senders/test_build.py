"""Building senders: nothing to set in the sandbox, everything named that is missing when live."""

import subprocess
import sys

import pytest

from data_contracts.errors import SettingsError
from messaging.senders.build import build_senders, missing_settings
from messaging.senders.chat import ChatSender
from messaging.senders.console import ConsoleSender
from messaging.senders.sendgrid import SendGridSender
from messaging.senders.smtp import SmtpSender
from messaging.senders.twilio import TwilioSender
from messaging.senders.voice import VoiceSender
from messaging.senders.whatsapp import WhatsAppSender
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
    assert isinstance(senders["whatsapp"], WhatsAppSender)
    assert isinstance(senders["voice"], VoiceSender)
    assert isinstance(senders["chat"], ChatSender)
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


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("TWILIO_WHATSAPP_FROM", "whatsapp"),
        ("TWILIO_VOICE_FROM", "voice"),
        ("TWILIO_CONVERSATIONS_SERVICE_SID", "chat"),
    ],
)
def test_a_further_channel_is_sent_by_once_it_is_set_up(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, name: str, channel: str
) -> None:
    senders = build_senders(_live(monkeypatch, settings, **LIVE, **SMS, **{name: "+15005550006"}))
    assert set(senders) == {"sms", channel}


def test_mail_goes_by_sendgrid_with_its_key_and_no_mail_server(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    by_key = {"SENDGRID_API_KEY": "SG.key", "RAPPORT_MAIL_FROM": "hello@example.com"}
    live = _live(monkeypatch, settings, **LIVE, **by_key)
    assert isinstance(build_senders(live)["email"], SendGridSender)
    live = _live(monkeypatch, settings, **MAIL)
    assert isinstance(build_senders(live)["email"], SmtpSender)


def test_channels_that_are_printed_reach_no_provider(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    senders = build_senders(_live(monkeypatch, settings, RAPPORT_CONSOLE_CHANNELS="sms, email"))
    printed = {channel for channel, sender in senders.items() if isinstance(sender, ConsoleSender)}
    assert printed == {"sms", "email"}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"RAPPORT_CONSOLE_CHANNELS": "fax"}, "names 'fax'; the channels are sms, email"),
        ({"RAPPORT_CONSOLE_CHANNELS": "sms", "RAPPORT_SENDING": "live"}, "which live mode refuses"),
    ],
)
def test_printing_is_for_channels_that_exist_and_never_when_live(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, values: dict[str, str], told: str
) -> None:
    with pytest.raises(SettingsError, match=told):
        _live(monkeypatch, settings, **values)


def test_the_twilio_client_is_only_loaded_where_it_sends() -> None:
    probe = "import sys, messaging.dispatch, messaging.senders.build; print('twilio' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
