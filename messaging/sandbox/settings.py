"""What a sandbox is told about itself; the defaults are those that the rest of Rapport expects."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from messaging.settings import SANDBOX_ACCOUNT_SID, SANDBOX_AUTH_TOKEN, SANDBOX_FROM, Settings

PORT = 8010
SMTP_PORT = 8025
INBOUND_PATH = "/webhooks/twilio/inbound"
CONVERSATIONS_PATH = "/webhooks/twilio/conversations"
SENDGRID_EVENTS_PATH = "/webhooks/sendgrid/events"
SENDGRID_INBOUND_PATH = "/webhooks/sendgrid/inbound"
_RECEIVER = "http://127.0.0.1:8011"
INBOUND_URL = _RECEIVER + INBOUND_PATH
CONVERSATIONS_URL = _RECEIVER + CONVERSATIONS_PATH
SENDGRID_EVENTS_URL = _RECEIVER + SENDGRID_EVENTS_PATH
SENDGRID_INBOUND_URL = _RECEIVER + SENDGRID_INBOUND_PATH


@dataclass(frozen=True)
class SandboxSettings:
    """How one sandbox behaves. Times are seconds."""

    account_sid: str = SANDBOX_ACCOUNT_SID
    auth_token: str = SANDBOX_AUTH_TOKEN
    sender: str = SANDBOX_FROM  # what a Messaging Service sends from
    inbound_url: str = INBOUND_URL  # where an answer from a phone is posted to
    step_seconds: float = 0.3  # between two statuses of a message
    callback_workers: int = 16  # the receiver commits together what comes together
    retry_pause: float = 0.2  # before each more try of a webhook
    conversations_url: str = CONVERSATIONS_URL  # where a customer's words in a chat are posted to
    sendgrid_events_url: str = SENDGRID_EVENTS_URL
    sendgrid_inbound_url: str = SENDGRID_INBOUND_URL
    messages_kept: int = 50_000
    calls_kept: int = 5_000
    contents_kept: int = 500
    conversations_kept: int = 2_000
    conversation_messages_kept: int = 500  # in each
    media_kept: int = 200
    media_bytes: int = 5_000_000  # of one file that a phone's owner sends, as WhatsApp and carriers bound it
    mails_kept: int = 500
    mail_bytes: int = 2_000_000  # a bigger mail is refused with 552
    company_name: str = "Your company"  # as the phones show it
    time_zone: str = "UTC"  # of the times that the pages show
    folder: Path | None = None  # where phones and mails survive a restart


def settings_for(settings: Settings, *, inbound_url: str = "", **others: Any) -> SandboxSettings:
    """Give the sandbox of an installation: its credentials (never a live account's), name, zone and folder.

    Answers go to its RAPPORT_PUBLIC_URL unless `inbound_url` says otherwise; `others` replace any field.
    """
    live = settings.sending == "live"
    public = settings.public_url.rstrip("/")
    fields: dict[str, Any] = {
        "account_sid": SANDBOX_ACCOUNT_SID if live else settings.twilio_sid,
        "auth_token": SANDBOX_AUTH_TOKEN if live else settings.twilio_token,
        "sender": SANDBOX_FROM if live else settings.twilio_from,
        "inbound_url": inbound_url or public + INBOUND_PATH,
        "conversations_url": public + CONVERSATIONS_PATH,
        "sendgrid_events_url": public + SENDGRID_EVENTS_PATH,
        "sendgrid_inbound_url": public + SENDGRID_INBOUND_PATH,
        "company_name": settings.company_name,
        "time_zone": settings.time_zone,
        "folder": settings.home / "sandbox",
    }
    return SandboxSettings(**{**fields, **others})
