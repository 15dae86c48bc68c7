"""Settings: the sandbox needs none, strangers are refused, and a wrong one is named as its owner wrote it."""

from datetime import datetime
from pathlib import Path

import pytest

from data_contracts.errors import SettingsError
from messaging import settings as module
from messaging.clock import pin_clock
from messaging.settings import is_loopback, read_settings


def test_sandbox_mode_needs_no_setting_at_all() -> None:
    settings = read_settings()
    assert settings.twilio_url == module.SANDBOX_URL
    assert settings.twilio_sid == module.SANDBOX_ACCOUNT_SID
    assert settings.twilio_token == module.SANDBOX_AUTH_TOKEN
    assert settings.twilio_from == module.SANDBOX_FROM
    assert settings.smtp_address == module.SANDBOX_SMTP_URL
    assert settings.mail_sender == module.SANDBOX_MAIL_FROM


def test_live_mode_falls_back_to_no_sandbox_credential() -> None:
    settings = read_settings(sending="live")
    assert settings.twilio_url == "https://api.twilio.com"
    assert [settings.twilio_sid, settings.twilio_token, settings.twilio_from] == ["", "", ""]
    assert [settings.smtp_address, settings.mail_sender] == ["", ""]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("RAPPORT_CURRENCY", "pounds", "RAPPORT_CURRENCY is 'pounds': it should be an ISO 4217 code"),
        ("RAPPORT_TRUSTED_PROXIES", "*", "RAPPORT_TRUSTED_PROXIES is '*': '*' is neither an IP address nor"),
        (
            "RAPPORT_TRUSTED_PROXIES",
            "10.0.0.5, proxy.local",
            "RAPPORT_TRUSTED_PROXIES is '10.0.0.5, proxy.local': 'proxy.local' is neither an IP address nor a network",
        ),
        (
            "RAPPORT_TRUSTED_PROXIES",
            "0.0.0.0/0",
            "RAPPORT_TRUSTED_PROXIES is '0.0.0.0/0': '0.0.0.0/0' would let anybody say",
        ),
        ("RAPPORT_SENDING", "real", "RAPPORT_SENDING is 'real': it should be 'sandbox' or 'live'"),
        ("RAPPORT_TIME_ZONE", "London", "RAPPORT_TIME_ZONE is 'London': it should be an IANA time zone"),
        (
            "RAPPORT_PUBLIC_URL",
            "example.com",
            "RAPPORT_PUBLIC_URL is 'example.com'; it should look like http",
        ),
        (
            "RAPPORT_MAIL_FROM",
            "shop",
            "RAPPORT_MAIL_FROM is 'shop': it should be one address, such as hello@",
        ),
        (
            "RAPPORT_MAIL_FROM",
            "a@example.com, b@example.com",
            "RAPPORT_MAIL_FROM is 'a@example.com, b@example.com': it should be one address",
        ),
        (
            "RAPPORT_MAIL_FROM",
            "<shop@example.com",
            "RAPPORT_MAIL_FROM is '<shop@example.com': it should be one",
        ),
        ("RAPPORT_SMTP_URL", "localhost", "RAPPORT_SMTP_URL should look like smtp://"),
        ("RAPPORT_SANDBOX_URL", "http://api.twilio.com", "RAPPORT_SANDBOX_URL points to api.twilio.com, but"),
        ("RAPPORT_TWILIO_API_URL", "https://10.0.0.1", "RAPPORT_TWILIO_API_URL points to 10.0.0.1, but"),
        ("RAPPORT_SENDGRID_API_URL", "https://10.0.0.1", "RAPPORT_SENDGRID_API_URL points to 10.0.0.1, but"),
        ("RAPPORT_SMTP_URL", "smtp://mail.example.com", "RAPPORT_SMTP_URL points to mail.example.com, but"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_legal(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as told:
        read_settings()
    assert str(told.value).startswith(sentence)
    assert told.value.exit_code == 2


def test_a_wrong_secret_is_named_but_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_SMTP_URL", "smtp://user:hunter2@mail.example.com")
    with pytest.raises(SettingsError) as told:
        read_settings()
    assert "hunter2" not in str(told.value)
    assert told.value.__cause__ is None


def test_live_mode_demands_https(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_TWILIO_API_URL", "http://twilio.example.com")
    with pytest.raises(SettingsError, match="RAPPORT_TWILIO_API_URL has to begin with https://"):
        read_settings(sending="live")


def test_links_to_leave_go_by_https_in_live_mode() -> None:
    with pytest.raises(SettingsError, match="RAPPORT_PUBLIC_URL has to begin with https:// in live mode"):
        read_settings(sending="live", public_url="http://hooks.example.com")
    assert read_settings(sending="live", public_url="https://hooks.example.com").sending == "live"


@pytest.mark.parametrize(
    ("written", "name", "address"),
    [
        ("hello@example.com", "Your company", "hello@example.com"),
        ("Shop <hello@example.com>", "Shop", "hello@example.com"),
        ('"Shop, Ltd." <hello@example.com>', "Shop, Ltd.", "hello@example.com"),
    ],
)
def test_a_sender_may_have_a_name_of_its_own(written: str, name: str, address: str) -> None:
    settings = read_settings(mail_from=written)
    assert (settings.mail_name, settings.mail_sender, settings.contact) == (name, address, address)


def test_live_mode_refuses_a_home_whose_clock_is_pinned(home: Path) -> None:
    pin_clock(home, datetime.fromisoformat("2026-10-30T12:00"))
    read_settings(home=home)
    with pytest.raises(SettingsError, match="pins the clock for a demo, which live mode refuses"):
        read_settings(home=home, sending="live")


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN_FILE", str(tmp_path / "token"))
    assert read_settings().twilio_token == "from-a-file"
    monkeypatch.setenv("TWILIO_AUTH_TOKEN_FILE", str(tmp_path / "absent"))
    with pytest.raises(SettingsError, match=r"TWILIO_AUTH_TOKEN_FILE names .*absent, which cannot be read"):
        read_settings()


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "hunter2")
    assert "hunter2" not in repr(read_settings())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_this_machine_is_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "example.com", "localhost.example.com", "192.168.1.2"])  # noqa: S104
def test_every_other_machine_is_not_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_a_variable_that_merely_bears_a_fields_name_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somebodys/home")
    monkeypatch.setenv("SENDING", "live")
    settings = read_settings()
    assert settings.home == Path(".rapport")
    assert settings.sending == "sandbox"


def test_a_variable_set_to_nothing_is_as_good_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_HOME", "")
    monkeypatch.setenv("RAPPORT_CURRENCY", "")
    settings = read_settings()
    assert (settings.home, settings.currency) == (Path(".rapport"), "GBP")


@pytest.mark.parametrize("name", ["RAPPORT_TWILIO_API_URL", "RAPPORT_SENDGRID_API_URL"])
def test_live_mode_talks_to_providers_in_the_open_never(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://provider.example.com")
    with pytest.raises(SettingsError, match=f"{name} has to begin with https:// in live mode"):
        read_settings(sending="live")


def test_mail_goes_by_sendgrid_only_with_its_key_and_without_a_mail_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("SG.secret\n")
    assert not read_settings().mail_by_sendgrid
    monkeypatch.setenv("SENDGRID_API_KEY_FILE", str(key))
    settings = read_settings()
    assert settings.mail_by_sendgrid
    assert settings.sendgrid_api_key.get_secret_value() == "SG.secret"
    assert "SG.secret" not in repr(settings)
    assert settings.sendgrid_url == module.SANDBOX_URL
    monkeypatch.setenv("RAPPORT_SMTP_URL", "smtp://127.0.0.1:25")
    assert not read_settings().mail_by_sendgrid
