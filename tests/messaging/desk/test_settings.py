"""The settings as a page shows them: where each was read, no secret, quiet hours in words, and tested connections."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from messaging import audit
from messaging.access import HIDDEN, Sight
from messaging.clock import Clock
from messaging.desk.settings import connection_tested, rules_come_from, told
from messaging.policy.limits import LIMITS_FILE
from messaging.quiet_hours import Place, installed_rules
from messaging.quiet_hours.hours import Span
from messaging.quiet_hours.rules import Limit, Rule
from messaging.quiet_hours.words import sentence, week
from messaging.senders.trying import standing, try_channel
from messaging.setting_places import origin
from messaging.settings import Settings, read_settings
from messaging.store import Store
from tests.messaging.senders.test_smtp import MailServer, server  # noqa: F401 - a fixture

ALL, NOTHING = Sight(names=True, contacts=True, wrote=True), Sight(names=False, contacts=False, wrote=False)
DAY = (Span(540, 1200),)


def test_each_setting_tells_where_it_was_read_and_no_secret_is_given(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    home.mkdir(parents=True, exist_ok=True)
    (home / "settings.env").write_text(
        "RAPPORT_COMPANY_NAME=Harbour\nRAPPORT_CURRENCY=EUR\nRAPPORT_COLLEAGUES=ada@example.com\n"
    )
    (tmp_path / ".env").write_text("RAPPORT_CURRENCY=USD\nRAPPORT_TIME_ZONE=\n")
    monkeypatch.setenv("RAPPORT_COMPANY_ADDRESS", "1 Quay Street")
    (tmp_path / "token").write_text("hush-token")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("RAPPORT_SMTP_URL", "smtp://us:hush-word@127.0.0.1:2525")
    settings = read_settings(home=home)
    found = {each.name: each for each in told(settings, NOTHING)}
    assert {
        name: (found[name].value, found[name].origin) for name in found if name.startswith("RAPPORT_C")
    } == {
        "RAPPORT_CURRENCY": ("USD", ".env"),
        "RAPPORT_COMPANY_NAME": ("Harbour", "settings.env"),
        "RAPPORT_COMPANY_ADDRESS": ("1 Quay Street", "environment"),
        "RAPPORT_COMPANY_CONTACT": ("", "default"),
        "RAPPORT_COMPANY_COLOUR": ("", "default"),
        "RAPPORT_COMPANY_LOGO": ("", "default"),
        "RAPPORT_COLLEAGUES": (f"a{HIDDEN}@{HIDDEN}.com", "settings.env"),
        "RAPPORT_CONSOLE_CHANNELS": ("", "default"),
    }
    assert found["RAPPORT_TIME_ZONE"].origin == "default"  # an empty line gives nothing
    assert (found["TWILIO_AUTH_TOKEN"].value, found["TWILIO_AUTH_TOKEN"].origin) == (
        "set",
        "TWILIO_AUTH_TOKEN_FILE",
    )
    assert found["SENDGRID_API_KEY"].value == ""
    assert "hush" not in str(list(found.values()))
    assert "ada@example.com" in str(told(settings, ALL))
    assert origin(settings, "RAPPORT_COMPANY_NAME") == "settings.env"
    assert len(found) == len(Settings.model_fields)


def test_rules_of_the_companys_own_are_told_from_those_that_are_shipped(settings: Settings) -> None:
    assert rules_come_from(settings) == dict.fromkeys(
        ("limits.yaml", "quiet_hours.yaml"), "the one that is shipped"
    )
    (settings.home / "limits.yaml").write_text(LIMITS_FILE.read_text())
    assert rules_come_from(settings)["limits.yaml"] == "your own, in RAPPORT_HOME"


def test_quiet_hours_are_told_in_words(settings: Settings) -> None:
    assert sentence(installed_rules(settings.home).ours) == "Every day 09:00 to 20:00."
    weekdays = Rule((DAY,) * 5 + ((), ()), (), date(2023, 3, 1), None, frozenset({"voice"}), Place("FR"))
    assert sentence(weekdays) == (
        "Monday to Friday 09:00 to 20:00, Saturday and Sunday never; public holidays never; from 01 March 2023 on."
    )
    limited = replace(
        weekdays, limit=Limit(4, 720, True, Place("FR"), frozenset({"voice"})), until=date(2027, 1, 1)
    )
    assert "; at most 4 messages of one campaign to a person in 30 days; " in sentence(limited)
    assert sentence(limited).endswith("; until 01 January 2027.")
    assert week(((Span(600, 780), Span(840, 1440)), *((Span(0, 1440),),) * 6)) == (
        "Monday 10:00 to 13:00 and 14:00 to 24:00, Tuesday to Sunday at any hour"
    )


def test_a_mail_server_is_signed_in_to_and_is_handed_nothing(
    settings: Settings,
    store: Store,
    clock: Clock,
    server: MailServer,  # noqa: F811
) -> None:
    there = read_settings(home=settings.home, smtp_url=server.url)
    tried = connection_tested(there, store, clock, "email", actor="otto")
    assert (tried.state, tried.seen) == ("green", "The mail server answers and lets us in.")
    assert [line.split()[0].upper() for line in server.heard] == ["EHLO", "QUIT"]
    with store.read() as connection:
        (kept,) = audit.newest(connection, 9, action="channel.test")
    assert (kept["actor"], kept["subject"]) == ("otto", "email")


def test_a_channel_without_its_settings_or_its_provider_says_which_to_look_at(settings: Settings) -> None:
    nowhere = read_settings(
        home=settings.home, sandbox_url="http://127.0.0.1:9", smtp_url="smtp://127.0.0.1:9"
    )
    for channel, setting in (("sms", "RAPPORT_TWILIO_API_URL"), ("email", "RAPPORT_SMTP_URL")):
        tried = try_channel(nowhere, channel)
        assert tried.state == "red"
        assert setting in tried.mend
    printed = read_settings(home=settings.home, console_channels="sms")
    assert try_channel(printed, "sms").state == "amber"
    live = read_settings(home=settings.home, sending="live", public_url="https://example.com")
    tried = try_channel(live, "whatsapp")
    assert tried.seen == "Not set: TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_WHATSAPP_FROM."
    assert not standing(live, "whatsapp").is_set_up
