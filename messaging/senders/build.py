"""The senders of an installation, built from its settings: one for each channel that it can send by."""

from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from data_contracts.errors import SettingsError
from messaging.links import read_links
from messaging.senders.base import Sender
from messaging.settings import CHANNELS, Settings, is_loopback

if TYPE_CHECKING:
    from messaging.senders.smtp import SmtpSender

USUAL = (
    "sms",
    "email",
)  # what a company that sends at all needs one of; the others are named where they are wanted


def build_senders(settings: Settings, channels: Collection[str] = CHANNELS) -> dict[str, Sender]:
    """Build a sender for each channel; in live mode, for those that are set up.

    Raises SettingsError naming every missing variable where a channel is set up in part, or none is at all.
    """
    missing = {channel: missing_of(settings, channel) for channel in channels}
    absent = [channel for channel in channels if not is_begun(settings, channel)]
    wrong = [name for channel in channels if channel not in absent for name in missing[channel]]
    if wrong or len(absent) == len(channels):
        usual = [channel for channel in channels if channel in USUAL] or channels
        names = list(dict.fromkeys(wrong or [name for channel in usual for name in missing[channel]]))
        raise SettingsError(f"To send for real, {_listed(names)}.", "See docs/settings.md.")
    return {channel: _build(settings, channel) for channel in channels if channel not in absent}


def missing_settings(settings: Settings) -> list[str]:
    """Name the variables that sending in this mode still needs, by the usual channels and those begun."""
    wanted = [channel for channel in CHANNELS if channel in USUAL or is_begun(settings, channel)]
    return list(dict.fromkeys(name for channel in wanted for name in missing_of(settings, channel)))


def _build(settings: Settings, channel: str) -> Sender:
    if channel in settings.printed_channels:
        from messaging.senders.console import ConsoleSender

        return ConsoleSender()
    return _build_mail(settings) if channel == "email" else _build_twilio(settings, channel)


def _build_mail(settings: Settings) -> Sender:
    if settings.mail_by_sendgrid:
        from messaging.senders.sendgrid import SendGridAccount, SendGridSender

        key = settings.sendgrid_api_key.get_secret_value()
        account = SendGridAccount(key, settings.sendgrid_url, settings.mail_sender, settings.mail_name)
        return SendGridSender(account, read_links(settings))
    return build_mailbox(settings)


def build_mailbox(settings: Settings) -> "SmtpSender":
    """Build the sender of e-mail by a mail server."""
    from messaging.senders.smtp import Mailbox, SmtpSender

    mailbox = Mailbox(settings.smtp_address, settings.mail_sender, settings.mail_name)
    return SmtpSender(mailbox, read_links(settings))


def _build_twilio(settings: Settings, channel: str) -> Sender:
    # 51 MB: only in processes that send
    from messaging.senders.chat import ChatSender
    from messaging.senders.twilio import TwilioSender
    from messaging.senders.twilio_account import TwilioAccount
    from messaging.senders.voice import VoiceSender
    from messaging.senders.whatsapp import WhatsAppSender

    numbers = {"sms": settings.twilio_from, "whatsapp": settings.whatsapp_from, "voice": settings.voice_from}
    account = TwilioAccount(
        sid=settings.twilio_sid,
        token=settings.twilio_token,
        base_url=settings.twilio_url,
        public_url=settings.public_url.rstrip("/"),
        from_number=numbers.get(channel, ""),
        messaging_service_sid=settings.twilio_messaging_service_sid,
    )
    if channel == "chat":
        return ChatSender(account, settings.conversations_sid, settings.company_name)
    if channel == "voice":
        return VoiceSender(account)
    return WhatsAppSender(account) if channel == "whatsapp" else TwilioSender(account)


def is_begun(settings: Settings, channel: str) -> bool:
    """Say whether anything of a channel is set up."""
    begun = {
        "sms": settings.twilio_sid or settings.twilio_token or settings.twilio_from,
        "email": settings.smtp_address or settings.mail_sender,
        "whatsapp": settings.whatsapp_from,
        "voice": settings.voice_from,
        "chat": settings.conversations_sid,
    }
    return bool(begun[channel]) or channel in settings.printed_channels


def missing_of(settings: Settings, channel: str) -> list[str]:
    """Name the variables that a channel still needs."""
    if channel in settings.printed_channels:
        return []
    if channel == "email":
        out = {} if settings.mail_by_sendgrid else {"RAPPORT_SMTP_URL": settings.smtp_address}
        needed = out | {"RAPPORT_MAIL_FROM": settings.mail_sender}
    else:
        senders = {
            "sms": (
                "TWILIO_FROM_NUMBER or TWILIO_MESSAGING_SERVICE_SID",
                settings.twilio_from or settings.twilio_messaging_service_sid,
            ),
            "whatsapp": ("TWILIO_WHATSAPP_FROM", settings.whatsapp_from),
            "voice": ("TWILIO_VOICE_FROM", settings.voice_from),
            "chat": ("TWILIO_CONVERSATIONS_SERVICE_SID", settings.conversations_sid),
        }
        name, value = senders[channel]
        account = {"TWILIO_ACCOUNT_SID": settings.twilio_sid, "TWILIO_AUTH_TOKEN": settings.twilio_token}
        needed = account | {name: value}
    if settings.sending == "live":
        needed["RAPPORT_PUBLIC_URL"] = _reachable(settings.public_url)
    return [name for name, value in needed.items() if not value]


def _reachable(url: str) -> str:
    """Give an address that a provider can call back, or nothing where it is on this machine only."""
    return "" if is_loopback(urlsplit(url).hostname or "") else url


def _listed(names: list[str]) -> str:
    return f"{names[0]} has to be set" if len(names) == 1 else f"these have to be set: {', '.join(names)}"
