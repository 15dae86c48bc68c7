"""The senders of an installation, built from its settings: one for each channel that it can send by."""

from collections.abc import Collection

from data_contracts.errors import SettingsError
from messaging.links import read_links
from messaging.senders.base import Sender
from messaging.settings import Settings, is_loopback

CHANNELS = ("sms", "email")


def build_senders(settings: Settings, channels: Collection[str] = CHANNELS) -> dict[str, Sender]:
    """Build a sender for each channel; in live mode, for those that are set up.

    Raises SettingsError naming every missing variable where a channel is set up in part, or none is at all.
    """
    missing = {channel: _missing(settings, channel) for channel in channels}
    absent = [channel for channel in channels if not _begun(settings, channel)]
    wrong = [name for channel in channels if channel not in absent for name in missing[channel]]
    if wrong or len(absent) == len(channels):
        names = list(dict.fromkeys(wrong or [name for channel in channels for name in missing[channel]]))
        raise SettingsError(f"To send for real, {_listed(names)}.", "See docs/settings.md.")
    return {channel: _build(settings, channel) for channel in channels if channel not in absent}


def missing_settings(settings: Settings) -> list[str]:
    """Name the variables that sending in this mode still needs, by every channel."""
    return list(dict.fromkeys(name for channel in CHANNELS for name in _missing(settings, channel)))


def _build(settings: Settings, channel: str) -> Sender:
    if channel == "email":
        from messaging.senders.smtp import Mailbox, SmtpSender

        mailbox = Mailbox(settings.smtp_address, settings.mail_sender, settings.company_name)
        return SmtpSender(mailbox, read_links(settings))
    from messaging.senders.twilio import TwilioAccount, TwilioSender  # 51 MB: only in processes that send

    return TwilioSender(
        TwilioAccount(
            sid=settings.twilio_sid,
            token=settings.twilio_token,
            base_url=settings.twilio_url,
            public_url=settings.public_url.rstrip("/"),
            from_number=settings.twilio_from,
            messaging_service_sid=settings.twilio_messaging_service_sid,
        )
    )


def _begun(settings: Settings, channel: str) -> bool:
    if channel == "email":
        return bool(settings.smtp_address or settings.mail_sender)
    return bool(settings.twilio_sid or settings.twilio_token or settings.twilio_from)


def _missing(settings: Settings, channel: str) -> list[str]:
    if channel == "email":
        needed = {"RAPPORT_SMTP_URL": settings.smtp_address, "RAPPORT_MAIL_FROM": settings.mail_sender}
    else:
        needed = {
            "TWILIO_ACCOUNT_SID": settings.twilio_sid,
            "TWILIO_AUTH_TOKEN": settings.twilio_token,
            "TWILIO_FROM_NUMBER or TWILIO_MESSAGING_SERVICE_SID": settings.twilio_from
            or settings.twilio_messaging_service_sid,
        }
    if settings.sending == "live":
        needed["RAPPORT_PUBLIC_URL"] = _reachable(settings.public_url)
    return [name for name, value in needed.items() if not value]


def _reachable(url: str) -> str:
    """Give an address that a provider can call back, or nothing where it is on this machine only."""
    from urllib.parse import urlsplit

    return "" if is_loopback(urlsplit(url).hostname or "") else url


def _listed(names: list[str]) -> str:
    return f"{names[0]} has to be set" if len(names) == 1 else f"these have to be set: {', '.join(names)}"
