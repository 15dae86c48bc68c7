"""What a sandbox is told about itself; the defaults are those that the rest of Rapport expects."""

from dataclasses import dataclass
from pathlib import Path

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "sandbox-token"  # noqa: S105  (opens nothing but a process on this machine)
SENDER = "+15005550006"  # Twilio's own magic number for "a valid sender"
PORT = 8010
SMTP_PORT = 8025
INBOUND_URL = "http://127.0.0.1:8011/webhooks/twilio/inbound"


@dataclass(frozen=True)
class SandboxSettings:
    """How one sandbox behaves. Times are seconds."""

    account_sid: str = ACCOUNT_SID
    auth_token: str = AUTH_TOKEN
    sender: str = SENDER  # what a Messaging Service sends from
    inbound_url: str = INBOUND_URL  # where an answer from a phone is posted to
    step_seconds: float = 0.3  # between two statuses of a message
    callback_workers: int = 4
    retry_pause: float = 0.2  # before the one more try of a webhook that could not be reached
    messages_kept: int = 50_000
    mails_kept: int = 500
    mail_bytes: int = 2_000_000  # a bigger mail is refused with 552
    folder: Path | None = None  # where phones and mails survive a restart
