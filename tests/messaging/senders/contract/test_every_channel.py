"""From the outbox through the dispatcher to every provider and back to a status that the outbox knows."""

import itertools
from datetime import datetime
from typing import Any

import pytest
from pydantic import SecretStr

from messaging.clock import Clock
from messaging.dispatch import dispatch_once
from messaging.sandbox.content import Content
from messaging.senders.build import build_senders
from messaging.senders.trying import try_channel
from messaging.settings import CHANNELS, Settings, read_settings
from messaging.store import Store

NOON = datetime.fromisoformat("2026-10-30T12:00")
_phones = (f"+4477009{number:05d}" for number in itertools.count(90_000))
SERVICE = {"message_class": "transactional", "purpose": "service"}


@pytest.fixture
def near(sandboxed: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Give the settings of an installation whose providers are the sandbox of this session."""
    monkeypatch.setenv("RAPPORT_SANDBOX_URL", sandboxed.base_url)
    monkeypatch.setenv("RAPPORT_SMTP_URL", f"smtp://127.0.0.1:{sandboxed.mail_port}")
    return read_settings(home=settings.home)


def _put(outbox_of: Any, sandbox: Any) -> dict[str, str]:
    """Queue a message by each channel; give their ids."""
    content = sandbox.exchange.contents.add(
        {"language": "en", "types": {"twilio/text": {"body": "Hi {{1}}"}}}
    )
    assert isinstance(content, Content)
    parts = {"content_sid": content.sid, "content_variables": {"1": "Ada"}}
    by_channel: dict[str, dict[str, Any]] = {
        "sms": {"address": next(_phones)},
        "email": {"address": f"{next(_phones)[1:]}@example.com", "subject": "Ready"},
        "whatsapp": {"address": next(_phones), "parts": parts},
        "voice": {"address": next(_phones), "parts": {"language": "en-GB"}},
        "chat": {"address": sandbox.conversations.open("Ada").sid},
    }
    return {
        channel: outbox_of.put(first=place, channel=channel, **values, **SERVICE)[0]
        for place, (channel, values) in enumerate(by_channel.items())
    }


def test_a_message_by_every_channel_is_sent_once_and_accepted(
    sandboxed: Any, near: Settings, store: Store, outbox_of: Any
) -> None:
    sandbox = sandboxed.sandbox
    ids = _put(outbox_of, sandbox)
    assert set(ids) == set(CHANNELS)
    report = dispatch_once(store, build_senders(near), Clock(NOON))
    assert (report.accepted, report.called) == (5, 5)
    rows = {channel: outbox_of.row(message_id) for channel, message_id in ids.items()}
    assert {channel: row.state for channel, row in rows.items()} == dict.fromkeys(CHANNELS, "accepted")
    assert [row.provider_sid[:2] for channel, row in sorted(rows.items()) if channel != "email"] == [
        "IM",
        "SM",
        "CA",
        "SM",
    ]
    (text,) = sandbox.exchange.thread(f"whatsapp:{rows['whatsapp'].address}")
    assert text.body == "Hi Ada"


def test_mail_goes_by_sendgrid_where_it_is_set_up(
    sandboxed: Any, near: Settings, store: Store, outbox_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAPPORT_SMTP_URL")
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.key")
    address = f"{next(_phones)[1:]}@example.com"
    (message_id,) = outbox_of.put(channel="email", address=address, subject="Ready", **SERVICE)
    dispatch_once(store, build_senders(read_settings(home=near.home)), Clock(NOON))
    row = outbox_of.row(message_id)
    assert (row.state, row.provider, row.provider_status) == ("accepted", "sendgrid", "queued")
    mails = [one for one in sandboxed.sandbox.mailbox.newest_first() if one.envelope_to == (row.address,)]
    assert len(mails) == 1


def test_what_is_printed_counts_as_delivered_and_reaches_no_provider(
    near: Settings,
    store: Store,
    outbox_of: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RAPPORT_CONSOLE_CHANNELS", "sms")
    (message_id,) = outbox_of.put(**SERVICE)
    dispatch_once(store, build_senders(read_settings(home=near.home)), Clock(NOON))
    row = outbox_of.row(message_id)
    assert (row.state, row.provider, row.provider_status) == ("done", "console", "delivered")
    assert capsys.readouterr().out == f"sms to {row.address}\n  {row.body}\n"


def test_every_channel_is_tried_out_at_its_provider_and_nothing_is_sent(
    near: Settings, sandboxed: Any
) -> None:
    before, mails = len(sandboxed.recorder.requests), len(sandboxed.sandbox.mailbox.newest_first())
    tried = {channel: try_channel(near, channel) for channel in CHANNELS}
    assert {channel: each.state for channel, each in tried.items()} == dict.fromkeys(CHANNELS, "green"), tried
    assert {each.method for each in sandboxed.recorder.requests[before:]} == {"GET"}
    assert len(sandboxed.sandbox.mailbox.newest_first()) == mails
    stranger = near.model_copy(update={"twilio_auth_token": SecretStr("another")})
    refused = try_channel(stranger, "sms")
    assert (refused.state, refused.mend) == ("red", "Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.")
