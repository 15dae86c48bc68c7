"""Whether a channel would send, without a message: what is set, and whether its provider lets us in."""

from dataclasses import dataclass
from typing import Literal

import requests

from messaging.senders.base import Rejected
from messaging.senders.build import build_mailbox, is_begun, missing_of
from messaging.senders.http import OnceHttp, host_of, unanswered
from messaging.settings import Settings

State = Literal["green", "amber", "red", ""]
TWILIO_API = "/2010-04-01/Accounts"
REFUSED = frozenset({401, 403})
LET_IN = 200


@dataclass(frozen=True)
class Standing:
    """How a channel stands: by whom it goes and from where, or what it still needs (names of settings)."""

    channel: str
    provider: str
    sender: str
    missing: tuple[str, ...]
    is_set_up: bool


@dataclass(frozen=True)
class Tried:
    """What a test of a channel's connection brought."""

    channel: str
    state: State
    seen: str
    mend: str = ""


def standing(settings: Settings, channel: str) -> Standing:
    """Say how a channel is set up; nobody is asked."""
    begun = is_begun(settings, channel)
    missing = tuple(missing_of(settings, channel))
    if channel in settings.printed_channels:
        return Standing(channel, "Printed, not sent", "", (), is_set_up=True)
    provider = "Twilio" if channel != "email" else "SendGrid" if settings.mail_by_sendgrid else "Mail server"
    senders = {
        "sms": settings.twilio_messaging_service_sid or settings.twilio_from,
        "whatsapp": settings.whatsapp_from,
        "voice": settings.voice_from,
        "chat": settings.conversations_sid,
        "email": f"{settings.mail_name} <{settings.mail_sender}>" if settings.mail_sender else "",
    }
    return Standing(channel, provider, senders[channel], missing, is_set_up=begun and not missing)


def try_channel(settings: Settings, channel: str) -> Tried:
    """Ask a channel's provider whether it lets us in, once, and send nothing.

    Of Twilio and SendGrid that is a request that only reads; a mail server is signed in to.
    """
    now = standing(settings, channel)
    if channel in settings.printed_channels:
        return Tried(
            channel,
            "amber",
            "Its messages are printed instead of sent.",
            "RAPPORT_CONSOLE_CHANNELS names it.",
        )
    if not now.is_set_up:
        return Tried(
            channel,
            "red",
            f"Not set: {', '.join(now.missing)}.",
            "Set it (docs/settings.md), and start again.",
        )
    if channel != "email":
        return _twilio(settings, channel)
    if settings.mail_by_sendgrid:
        return _sendgrid(settings)
    refused = build_mailbox(settings).try_out()
    if refused is not None:
        return Tried(
            channel, "red", refused.sentence, "Look at RAPPORT_SMTP_URL, and whether that server runs."
        )
    return Tried(channel, "green", "The mail server answers and lets us in.")


def _twilio(settings: Settings, channel: str) -> Tried:
    what = "Calls" if channel == "voice" else "Messages"
    url = f"{settings.twilio_url}{TWILIO_API}/{settings.twilio_sid}/{what}.json"
    try:
        answer = OnceHttp(host_of(url)).request(
            "GET", url, auth=(settings.twilio_sid, settings.twilio_token), params={"PageSize": 1}
        )
    except requests.RequestException as error:
        return _silent(channel, error, "RAPPORT_TWILIO_API_URL")
    seen = "The account answers and lets us in."
    if channel == "chat":
        seen += " Whether its Conversations service is there only a chat shows."
    return _judged(channel, answer.status_code, seen, "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN")


def _sendgrid(settings: Settings) -> Tried:
    url = f"{settings.sendgrid_url}/v3/scopes"
    key = settings.sendgrid_api_key.get_secret_value()
    try:
        answer = OnceHttp(host_of(url)).request("GET", url, headers={"Authorization": f"Bearer {key}"})
    except requests.RequestException as error:
        return _silent("email", error, "RAPPORT_SENDGRID_API_URL")
    return _judged("email", answer.status_code, "SendGrid answers and takes our key.", "SENDGRID_API_KEY")


def _judged(channel: str, status: int, seen: str, secrets: str) -> Tried:
    if status == LET_IN:
        return Tried(channel, "green", seen)
    if status in REFUSED:
        return Tried(channel, "red", f"The provider refuses us ({status}).", f"Check {secrets}.")
    return Tried(
        channel,
        "amber",
        f"Something answers there, with {status}.",
        "It may be another service, or busy. Try again.",
    )


def _silent(channel: str, error: requests.RequestException, setting: str) -> Tried:
    outcome = unanswered(error, setting)
    told = outcome.sentence if isinstance(outcome, Rejected) else "The provider did not answer."
    return Tried(channel, "red", told, f"Look at {setting}, and whether that service runs.")
