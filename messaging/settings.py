"""Settings, from the environment or a `.env` file; each one is documented in docs/settings.md.

A secret may come from a file instead: TWILIO_AUTH_TOKEN_FILE=/run/secrets/token. In sandbox mode (the default) every
provider address must be on loopback, so that no test and no demo ever reaches a real person.
"""

import ipaddress
import os
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from data_contracts.errors import SettingsError
from messaging.clock import PIN_FILE

SECRET_NAMES = ("TWILIO_AUTH_TOKEN", "SENDGRID_API_KEY", "RAPPORT_SMTP_URL", "RAPPORT_STORE_URL")
SANDBOX_URL = "http://127.0.0.1:8010"
TWILIO_URL = "https://api.twilio.com"


class Settings(BaseSettings):
    """What an installation is told about itself. Build it with `read_settings()`."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, populate_by_name=True)

    home: Path = Field(Path(".rapport"), alias="RAPPORT_HOME")
    store_url: SecretStr = Field(SecretStr(""), alias="RAPPORT_STORE_URL")
    public_url: str = Field("http://127.0.0.1:8011", alias="RAPPORT_PUBLIC_URL")
    library: Path | None = Field(None, alias="RAPPORT_LIBRARY")
    currency: str = Field("GBP", alias="RAPPORT_CURRENCY", pattern="^[A-Z]{3}$")
    time_zone: str = Field("Europe/London", alias="RAPPORT_TIME_ZONE")
    company_name: str = Field("Your company", alias="RAPPORT_COMPANY_NAME")
    company_address: str = Field("", alias="RAPPORT_COMPANY_ADDRESS")
    own_domains: str = Field("", alias="RAPPORT_OWN_DOMAINS")
    sending: Literal["sandbox", "live"] = Field("sandbox", alias="RAPPORT_SENDING")
    sandbox_url: str = Field(SANDBOX_URL, alias="RAPPORT_SANDBOX_URL")
    twilio_api_url: str = Field("", alias="RAPPORT_TWILIO_API_URL")
    twilio_account_sid: str = Field("", alias="TWILIO_ACCOUNT_SID")
    twilio_auth_token: SecretStr = Field(SecretStr(""), alias="TWILIO_AUTH_TOKEN")
    twilio_messaging_service_sid: str = Field("", alias="TWILIO_MESSAGING_SERVICE_SID")
    twilio_from_number: str = Field("", alias="TWILIO_FROM_NUMBER")
    smtp_url: SecretStr = Field(SecretStr(""), alias="RAPPORT_SMTP_URL")
    mail_from: str = Field("", alias="RAPPORT_MAIL_FROM")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is no IANA time zone such as Europe/London") from error
        return value

    @model_validator(mode="after")
    def _safe_addresses(self) -> Self:
        for name, url in (("RAPPORT_TWILIO_API_URL", self.twilio_url), ("RAPPORT_SANDBOX_URL", self.sandbox_url)):
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError(f"{name} is {url!r}; it should look like {SANDBOX_URL}")
            if self.sending == "sandbox" and not is_loopback(parts.hostname):
                raise ValueError(
                    f"{name} points to {parts.hostname}, but RAPPORT_SENDING is 'sandbox', which only talks to this "
                    "machine; use a loopback address, or set RAPPORT_SENDING=live to reach real people"
                )
            if self.sending == "live" and parts.scheme != "https" and name != "RAPPORT_SANDBOX_URL":
                raise ValueError(f"{name} is {url!r}; in live mode it has to begin with https://")
        if self.sending == "sandbox" and self.smtp_url.get_secret_value():
            host = urlsplit(self.smtp_url.get_secret_value()).hostname or ""
            if not is_loopback(host):
                raise ValueError(
                    f"RAPPORT_SMTP_URL points to {host}, but RAPPORT_SENDING is 'sandbox', which only talks to this machine"
                )
        if self.sending == "live" and (self.home / PIN_FILE).exists():
            raise ValueError(
                f"{self.home / PIN_FILE} pins the clock for a demo, which live mode refuses; use another RAPPORT_HOME"
            )
        return self

    @property
    def twilio_url(self) -> str:
        """Give the base URL of the Twilio API: the sandbox's, unless we are live."""
        default = self.sandbox_url if self.sending == "sandbox" else TWILIO_URL
        return (self.twilio_api_url or default).rstrip("/")

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

    Raises SettingsError with one sentence a setting that is wrong.
    """
    try:
        return Settings(**_secrets_from_files(), **overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError("; ".join(_sentence(item) for item in error.errors()) + ".") from None


def _secrets_from_files() -> dict[str, str]:
    found = {}
    for name in SECRET_NAMES:
        path = os.environ.get(f"{name}_FILE")
        if path:
            try:
                found[name] = Path(path).read_text().strip()
            except OSError as error:
                raise SettingsError(f"{name}_FILE names {path}, which cannot be read.", "Check the path.") from error
    return found


def _sentence(item: object) -> str:
    assert isinstance(item, dict)
    name = " ".join(str(part) for part in item["loc"])
    text = str(item["msg"]).removeprefix("Value error, ")
    return f"{name}: {text}" if name else text
