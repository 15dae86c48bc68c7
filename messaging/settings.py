"""Settings, from the environment, a `.env` file or the home's `settings.env`; see docs/settings.md.

A secret may come from a file: TWILIO_AUTH_TOKEN_FILE=/run/secrets/token. In sandbox mode (the default) every
provider address must be on loopback, so that no test and no demo ever reaches a real person.
"""

import ipaddress
import os
from email.headerregistry import HeaderRegistry
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from data_contracts.errors import SettingsError
from messaging.clock import PIN_FILE
from messaging.colours import read_colour, unreadable

SECRET_NAMES = (
    "TWILIO_AUTH_TOKEN",
    "SENDGRID_API_KEY",
    "RAPPORT_SMTP_URL",
    "RAPPORT_STORE_URL",
    "RAPPORT_OIDC_CLIENT_SECRET",
)
ENV_FILE = ".env"
HOME_SETTINGS = "settings.env"  # in the home: settings that travel with it, such as the company's name
SANDBOX_URL = "http://127.0.0.1:8010"
TWILIO_URL = "https://api.twilio.com"
SENDGRID_URL = "https://api.sendgrid.com"
CHANNELS = ("sms", "email", "whatsapp", "voice", "chat")
# What the local sandbox answers to, and nobody else: sandbox mode needs no credentials of yours.
SANDBOX_ACCOUNT_SID = "AC" + "0" * 32
SANDBOX_AUTH_TOKEN = "sandbox-token"  # noqa: S105 - a name, not a secret: the sandbox is on this machine only
SANDBOX_FROM = "+15005550006"  # Twilio's own magic sender of test credentials
SANDBOX_CONVERSATIONS_SID = "IS" + "0" * 32
SANDBOX_SMTP_URL = "smtp://127.0.0.1:8025"
SANDBOX_MAIL_FROM = "hello@harbour-and-pine.example.com"  # the sample company
# Documents and pictures: what customers send to a shop. No programs, and no archives, which nothing here opens.
ATTACHMENT_TYPES = (
    "application/pdf,image/jpeg,image/png,image/gif,image/webp,image/heic,image/heif,image/tiff,image/bmp,text/plain,"
    "text/csv,text/calendar,application/rtf,application/msword,application/vnd.ms-excel,"
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document,"
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet,application/vnd.oasis.opendocument.text,"
    "application/vnd.oasis.opendocument.spreadsheet,message/rfc822"
)

_PROXIES = "name the addresses or networks of your proxies, such as 10.0.0.5 or 10.0.0.0/24"
_NO_PROXY = f"is neither an IP address nor a network; {_PROXIES}"
_LEGAL = {  # what a person is told where pydantic would speak of patterns and literals
    "RAPPORT_CURRENCY": "it should be an ISO 4217 code such as GBP",
    "RAPPORT_COMPANY_LOGO": "it should be a name that the page Settings gave to a logo, such as <32 hex digits>.png",
    "RAPPORT_SENDING": "it should be 'sandbox' or 'live'",
    "RAPPORT_ROLES": "it should be 'on' or 'off'",
}


class Settings(BaseSettings):
    """What an installation is told about itself. Build it with `read_settings()`."""

    model_config = SettingsConfigDict(env_file=ENV_FILE, env_ignore_empty=True, extra="ignore", frozen=True)

    home: Path = Field(Path(".rapport"), alias="RAPPORT_HOME")
    store_url: SecretStr = Field(SecretStr(""), alias="RAPPORT_STORE_URL")
    public_url: str = Field("http://127.0.0.1:8011", alias="RAPPORT_PUBLIC_URL")
    library: Path | None = Field(None, alias="RAPPORT_LIBRARY")
    currency: str = Field("GBP", alias="RAPPORT_CURRENCY", pattern="^[A-Z]{3}$")
    time_zone: str = Field("Europe/London", alias="RAPPORT_TIME_ZONE")
    company_name: str = Field("Your company", alias="RAPPORT_COMPANY_NAME")
    company_address: str = Field("", alias="RAPPORT_COMPANY_ADDRESS")
    company_contact: str = Field("", alias="RAPPORT_COMPANY_CONTACT")
    company_colour: str = Field("", alias="RAPPORT_COMPANY_COLOUR")
    company_logo: str = Field("", alias="RAPPORT_COMPANY_LOGO", pattern=r"^([0-9a-f]{32}\.(png|jpg))?$")
    own_domains: str = Field("", alias="RAPPORT_OWN_DOMAINS")
    colleagues: str = Field("", alias="RAPPORT_COLLEAGUES")
    roles: Literal["off", "on"] = Field("off", alias="RAPPORT_ROLES")
    second_approval_above: int = Field(5000, alias="RAPPORT_SECOND_APPROVAL_ABOVE", ge=0)
    max_file_mb: int = Field(4096, alias="RAPPORT_MAX_FILE_MB", ge=1)
    build_memory_mb: int = Field(0, alias="RAPPORT_BUILD_MEMORY_MB", ge=0)
    attachment_max_mb: int = Field(10, alias="RAPPORT_ATTACHMENT_MAX_MB", ge=0, le=1000)
    attachment_types: str = Field(ATTACHMENT_TYPES, alias="RAPPORT_ATTACHMENT_TYPES")
    sending: Literal["sandbox", "live"] = Field("sandbox", alias="RAPPORT_SENDING")
    sandbox_url: str = Field(SANDBOX_URL, alias="RAPPORT_SANDBOX_URL")
    twilio_api_url: str = Field("", alias="RAPPORT_TWILIO_API_URL")
    twilio_account_sid: str = Field("", alias="TWILIO_ACCOUNT_SID")
    twilio_auth_token: SecretStr = Field(SecretStr(""), alias="TWILIO_AUTH_TOKEN")
    twilio_messaging_service_sid: str = Field("", alias="TWILIO_MESSAGING_SERVICE_SID")
    twilio_from_number: str = Field("", alias="TWILIO_FROM_NUMBER")
    twilio_whatsapp_from: str = Field("", alias="TWILIO_WHATSAPP_FROM")
    twilio_voice_from: str = Field("", alias="TWILIO_VOICE_FROM")
    twilio_conversations_sid: str = Field("", alias="TWILIO_CONVERSATIONS_SERVICE_SID")
    sendgrid_api_url: str = Field("", alias="RAPPORT_SENDGRID_API_URL")
    sendgrid_api_key: SecretStr = Field(SecretStr(""), alias="SENDGRID_API_KEY")
    sendgrid_verification_key: str = Field("", alias="SENDGRID_VERIFICATION_KEY")
    failpoint: str = Field("", alias="RAPPORT_FAILPOINT")
    console_channels: str = Field("", alias="RAPPORT_CONSOLE_CHANNELS")
    trusted_proxies: str = Field("127.0.0.1,::1", alias="RAPPORT_TRUSTED_PROXIES")
    form_sites: str = Field("", alias="RAPPORT_FORM_SITES", pattern=r"^[A-Za-z0-9:/.,*\[\] -]*$")
    smtp_url: SecretStr = Field(SecretStr(""), alias="RAPPORT_SMTP_URL")
    mail_from: str = Field("", alias="RAPPORT_MAIL_FROM")
    oidc_issuer: str = Field("", alias="RAPPORT_OIDC_ISSUER")
    oidc_client_id: str = Field("", alias="RAPPORT_OIDC_CLIENT_ID")
    oidc_client_secret: SecretStr = Field(SecretStr(""), alias="RAPPORT_OIDC_CLIENT_SECRET")
    oidc_name: str = Field("", alias="RAPPORT_OIDC_NAME", max_length=40)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("it should be an IANA time zone such as Europe/London") from error
        return value

    @field_validator("company_colour")
    @classmethod
    def _readable_colour(cls, value: str) -> str:
        if not value:
            return value
        if (colour := read_colour(value)) is None:
            raise ValueError("it should be a colour in hex such as '#14606b'")
        if told := unreadable(colour):
            raise ValueError(told)
        return colour

    @field_validator("trusted_proxies")
    @classmethod
    def _known_proxies(cls, value: str) -> str:
        """Refuse what names nobody, and what names everybody: whom we trust may say who asks."""
        for proxy in value.split(","):
            try:
                network = ipaddress.ip_network(proxy.strip())
            except ValueError as error:
                raise ValueError(f"{proxy.strip()!r} {_NO_PROXY}") from error
            if network.prefixlen == 0:
                raise ValueError(f"{proxy.strip()!r} would let anybody say from where they come; {_PROXIES}")
        return ",".join(proxy.strip() for proxy in value.split(","))

    @field_validator("mail_from")
    @classmethod
    def _one_sender(cls, value: str) -> str:
        _sender(value)
        return value

    @model_validator(mode="after")
    def _known_channels(self) -> Self:
        unknown = sorted(self.printed_channels - set(CHANNELS))
        if unknown:
            raise ValueError(
                f"RAPPORT_CONSOLE_CHANNELS names {unknown[0]!r}; the channels are {', '.join(CHANNELS)}"
            )
        if self.printed_channels and self.sending == "live":
            raise ValueError("RAPPORT_CONSOLE_CHANNELS is for trying out, which live mode refuses; unset it")
        return self

    @model_validator(mode="after")
    def _safe_addresses(self) -> Self:
        public = _http_host("RAPPORT_PUBLIC_URL", self.public_url)
        if self.sending == "live" and not is_loopback(public) and not self.public_url.startswith("https://"):
            raise ValueError(
                "RAPPORT_PUBLIC_URL has to begin with https:// in live mode: links to leave go by it, and mailboxes "
                "offer one click (RFC 8058) by https alone"
            )
        for name, url in (
            ("RAPPORT_SANDBOX_URL", self.sandbox_url),
            ("RAPPORT_TWILIO_API_URL", self.twilio_url),
            ("RAPPORT_SENDGRID_API_URL", self.sendgrid_url),
        ):
            host = _http_host(name, url)
            if self.sending == "sandbox":
                _refuse_strangers(name, host)
            elif name != "RAPPORT_SANDBOX_URL" and not url.startswith("https://"):
                raise ValueError(f"{name} has to begin with https:// in live mode")
        if self.sending == "sandbox":
            _refuse_strangers("RAPPORT_SMTP_URL", _smtp_host(self.smtp_address))
        elif self.smtp_address:
            _smtp_host(self.smtp_address)
        if self.sending == "live" and (self.home / PIN_FILE).exists():
            raise ValueError(
                f"{self.home / PIN_FILE} pins the clock for a demo, which live mode refuses; "
                "use another RAPPORT_HOME"
            )
        return self

    @model_validator(mode="after")
    def _whole_sign_in(self) -> Self:
        given = (self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret.get_secret_value())
        if any(given) and not all(given):
            raise ValueError(
                "RAPPORT_OIDC_ISSUER, RAPPORT_OIDC_CLIENT_ID and RAPPORT_OIDC_CLIENT_SECRET go together; set all or none"
            )
        if self.oidc_issuer:
            parts = urlsplit(self.oidc_issuer)
            safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
            if not parts.hostname or not safe or parts.query or parts.fragment:
                raise ValueError(
                    f"RAPPORT_OIDC_ISSUER is {self.oidc_issuer!r}; it should look like https://login.example.com"
                )
        return self

    @property
    def oidc_shown_name(self) -> str:
        """Give how the sign-in page names the identity provider; empty where there is none."""
        return self.oidc_name or urlsplit(self.oidc_issuer).hostname or ""

    @property
    def contact(self) -> str:
        """Give where customers reach us: what is set, else the address of our mail, else our postal address."""
        return self.company_contact or _sender(self.mail_from)[1] or self.company_address or self.company_name

    @property
    def twilio_url(self) -> str:
        """Give the base URL of the Twilio API: the sandbox's, unless we are live."""
        default = self.sandbox_url if self.sending == "sandbox" else TWILIO_URL
        return (self.twilio_api_url or default).rstrip("/")

    @property
    def sendgrid_url(self) -> str:
        """Give the base URL of the SendGrid API: the sandbox's, unless we are live."""
        default = self.sandbox_url if self.sending == "sandbox" else SENDGRID_URL
        return (self.sendgrid_api_url or default).rstrip("/")

    @property
    def mail_by_sendgrid(self) -> bool:
        """Say whether e-mail goes by SendGrid: with its key, and no mail server named."""
        return bool(self.sendgrid_api_key.get_secret_value()) and not self.smtp_url.get_secret_value()

    @property
    def colleague_addresses(self) -> frozenset[str]:
        """Give the addresses that tests of templates may go to, in small letters."""
        return frozenset(each.strip().lower() for each in self.colleagues.split(",") if each.strip())

    @property
    def printed_channels(self) -> frozenset[str]:
        """Give the channels whose messages are printed instead of sent."""
        return frozenset(name.strip() for name in self.console_channels.split(",") if name.strip())

    @property
    def twilio_sid(self) -> str:
        """Give the account that sends: the sandbox's where none is set; empty when live without one."""
        return self.twilio_account_sid or self._in_sandbox(SANDBOX_ACCOUNT_SID)

    @property
    def twilio_token(self) -> str:
        """Give the secret of that account, which also signs its webhooks."""
        return self.twilio_auth_token.get_secret_value() or self._in_sandbox(SANDBOX_AUTH_TOKEN)

    @property
    def twilio_from(self) -> str:
        """Give the number that sends, in E.164."""
        return self.twilio_from_number or self._in_sandbox(SANDBOX_FROM)

    @property
    def whatsapp_from(self) -> str:
        """Give the number that sends WhatsApp messages, in E.164; empty when live without one."""
        return self.twilio_whatsapp_from.removeprefix("whatsapp:") or self._in_sandbox(SANDBOX_FROM)

    @property
    def voice_from(self) -> str:
        """Give the number that calls, in E.164; empty when live without one."""
        return self.twilio_voice_from or self._in_sandbox(SANDBOX_FROM)

    @property
    def conversations_sid(self) -> str:
        """Give the Conversations service that chats are in; empty when live without one."""
        return self.twilio_conversations_sid or self._in_sandbox(SANDBOX_CONVERSATIONS_SID)

    @property
    def smtp_address(self) -> str:
        """Give the mail server's address, with its user and password if it needs them."""
        return self.smtp_url.get_secret_value() or self._in_sandbox(SANDBOX_SMTP_URL)

    @property
    def mail_sender(self) -> str:
        """Give the address that our e-mail comes from."""
        return _sender(self.mail_from)[1] or self._in_sandbox(SANDBOX_MAIL_FROM)

    @property
    def mail_name(self) -> str:
        """Give the name beside that address: the one in RAPPORT_MAIL_FROM, else the company's."""
        return _sender(self.mail_from)[0] or self.company_name

    def _in_sandbox(self, value: str) -> str:
        return value if self.sending == "sandbox" else ""

    @property
    def store_address(self) -> str:
        """Give the SQLAlchemy URL of the operational store."""
        return self.store_url.get_secret_value() or f"sqlite:///{self.home.absolute() / 'store.db'}"

    @property
    def landing_dir(self) -> Path:
        """Where landed files and their manifests lie."""
        return self.home / "landing"

    @property
    def quarantine_dir(self) -> Path:
        """Where rows that a contract refused lie, with their reasons."""
        return self.home / "quarantine"

    @property
    def inbox_dir(self) -> Path:
        """Where people drop files, in a folder per source."""
        return self.home / "inbox"

    @property
    def mappings_dir(self) -> Path:
        """Where the company's own mapping files lie, known by their names."""
        return self.home / "mappings"

    @property
    def attachments_dir(self) -> Path:
        """Where files that came with mails are kept, named after their content (mode 0600)."""
        return self.home / "attachments"

    @property
    def build_path(self) -> Path:
        """The warehouse that only a build writes; it can be derived again at any time."""
        return self.home / "warehouse" / "build.duckdb"

    @property
    def state_path(self) -> Path:
        """What cannot be derived again: the identity map and its history."""
        return self.home / "warehouse" / "state.duckdb"

    @property
    def releases_dir(self) -> Path:
        """Where published releases lie, and `current.json`, which names the newest."""
        return self.home / "releases"

    @property
    def reports_dir(self) -> Path:
        """Where each build leaves its page about the contracts; `contracts-latest.html` is the newest."""
        return self.home / "reports"

    @property
    def assets_dir(self) -> Path:
        """Where pictures of mails are served from, each named after its content."""
        return self.home / "assets"

    @property
    def library_dir(self) -> Path:
        """Where segments, templates and campaigns lie."""
        return self.library or self.home / "library"

    @property
    def secrets_dir(self) -> Path:
        """Where generated secrets lie (mode 0600)."""
        return self.home / "secrets"

    @property
    def logs_dir(self) -> Path:
        """Where each process writes its log."""
        return self.home / "logs"

    @property
    def dagster_dir(self) -> Path:
        """DAGSTER_HOME of this installation."""
        return self.home / "dagster"


def _sender(written: str) -> tuple[str, str]:
    """Read "hello@example.com" or "Shop <hello@example.com>": the name, and the address. Raises ValueError for others."""
    if not written:
        return "", ""
    read: Any = HeaderRegistry()("From", written) if written.isprintable() else None
    if read is None or len(read.addresses) != 1 or read.defects or not read.addresses[0].domain:
        raise ValueError("it should be one address, such as hello@example.com or 'Shop <hello@example.com>'")
    one = read.addresses[0]
    return one.display_name, one.addr_spec


def _http_host(name: str, url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{name} is {url!r}; it should look like {SANDBOX_URL}")
    return parts.hostname


def _smtp_host(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError("RAPPORT_SMTP_URL should look like smtp://user:password@host:587 or smtps://host")
    return parts.hostname


def _refuse_strangers(name: str, host: str) -> None:
    if not is_loopback(host):
        raise ValueError(
            f"{name} points to {host}, but RAPPORT_SENDING is 'sandbox', which only talks to this machine; "
            "use a loopback address, or set RAPPORT_SENDING=live to reach real people"
        )


def is_loopback(host: str) -> bool:
    """Say whether a host name or address means this machine and nothing else."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_settings(**overrides: object) -> Settings:
    """Read the settings of this process; `overrides` (by field name) are for tests and the demo.

    The environment wins over `.env` in the folder we started in, and that over `settings.env` in the home.
    Raises SettingsError with one sentence a setting that is wrong.
    """
    files = (_home(overrides) / HOME_SETTINGS, ENV_FILE)
    try:
        return Settings(_env_file=files, **_secrets_from_files(), **_by_variable(overrides))  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError("; ".join(_sentence(item) for item in error.errors()) + ".") from None


def _by_variable(overrides: dict[str, object]) -> dict[str, object]:
    # Not pydantic's populate_by_name: with it the variable HOME would be read as the field `home`.
    return {str(Settings.model_fields[name].alias): value for name, value in overrides.items()}


def _home(overrides: dict[str, object]) -> Path:
    """Find the home before the settings are read, since it holds some of them."""
    told = os.environ.get("RAPPORT_HOME") or dotenv_values(ENV_FILE).get("RAPPORT_HOME")
    named = overrides.get("home") or told
    return Path(str(named or Settings.model_fields["home"].default))


def _secrets_from_files() -> dict[str, str]:
    found = {}
    for name in SECRET_NAMES:
        path = os.environ.get(f"{name}_FILE")
        if path:
            try:
                found[name] = Path(path).read_text().strip()
            except OSError as error:
                raise SettingsError(
                    f"{name}_FILE names {path}, which cannot be read.", "Check the path."
                ) from error
    return found


def _sentence(item: ErrorDetails) -> str:
    text = item["msg"].removeprefix("Value error, ")
    if not item["loc"]:
        return text  # a rule over several settings names them itself
    name = str(item["loc"][0])
    name = Settings.model_fields[name].alias or name if name in Settings.model_fields else name
    given = "what it is set to" if name in SECRET_NAMES else repr(item["input"])
    return f"{name} is {given}: {_LEGAL.get(name, text)}"
