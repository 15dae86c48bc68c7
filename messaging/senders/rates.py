"""How fast each of our senders may go, and when it is left alone: `senders.yaml` in the home, else what is usual.

sms: {kind: toll_free}
whatsapp: {per_second: 80}
breaker: {failures: 5, seconds: 30}
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from data_contracts.errors import SettingsError
from data_contracts.yaml_files import read_yaml_file
from messaging.settings import CHANNELS, Settings

RATES_FILE = "senders.yaml"
MEND = "Mend the file, or remove it: then what is usual for the number holds."

# Message segments a second, by Twilio's guide of message throughput. A 10DLC number goes by its registration, so its own
# figure has to be named; a Messaging Service shares out over numbers that only Twilio knows.
KINDS = {"long_code": 1.0, "toll_free": 3.0, "short_code": 100.0, "10dlc": None, "unbounded": None}
USUAL = {"whatsapp": 80.0, "voice": 1.0}  # the same: messages and calls a second of a new sender
TOLL_FREE = ("+1800", "+1833", "+1844", "+1855", "+1866", "+1877", "+1888")
ELSEWHERE = 10.0  # segments a second of a long number outside the United States and Canada


@dataclass(frozen=True)
class Rates:
    """What bounds our senders. A channel that `per_second` does not name is not bounded.

    `names` gives each channel's sender by what it sends from: a number that takes the place of another starts afresh.
    A sender is left alone for `rest` after `failures` calls in a row that told nothing, and twice as long each time.
    """

    per_second: Mapping[str, float] = field(default_factory=dict)  # SMS: segments; all others: messages
    names: Mapping[str, str] = field(default_factory=dict)
    failures: int = 5
    rest: timedelta = timedelta(seconds=30)

    def sender(self, channel: str) -> str:
        """Name the sender of a channel, as all dispatchers know it."""
        return f"{channel}/{self.names[channel]}" if self.names.get(channel) else channel


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Lane(_Part):
    kind: Literal["long_code", "toll_free", "short_code", "10dlc", "unbounded"] | None = None
    per_second: float | None = Field(None, gt=0, le=10_000)

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.kind == "10dlc" and self.per_second is None:
            raise ValueError("a 10dlc number needs per_second: what its registration allows")
        if self.kind is None and self.per_second is None:
            raise ValueError(f"needs per_second or a kind: {', '.join(KINDS)}")
        return self


class _Breaker(_Part):
    failures: int = Field(5, ge=1, le=1000)
    seconds: float = Field(30, gt=0, le=3600)


class _File(_Part):
    sms: _Lane | None = None
    email: _Lane | None = None
    whatsapp: _Lane | None = None
    voice: _Lane | None = None
    chat: _Lane | None = None
    breaker: _Breaker = _Breaker()


def read_rates(settings: Settings) -> Rates:
    """Read what bounds the senders of an installation; raises SettingsError with the line of what is wrong.

    Without a file, the sandbox is not bounded, and when live each number goes by its kind.
    """
    path = settings.home / RATES_FILE
    file = _read(path) if path.exists() else _File()
    usual = _usual(settings) if settings.sending == "live" else {}
    bounds: dict[str, float | None] = {
        channel: _bound(getattr(file, channel), usual.get(channel)) for channel in CHANNELS
    }
    return Rates(
        {channel: bound for channel, bound in bounds.items() if bound is not None},
        _names(settings),
        file.breaker.failures,
        timedelta(seconds=file.breaker.seconds),
    )


def _read(path: Path) -> _File:
    return read_yaml_file(path, SettingsError, MEND).checked(_File)


def _bound(lane: _Lane | None, usual: float | None) -> float | None:
    if lane is None:
        return usual
    return lane.per_second if lane.per_second is not None else KINDS[lane.kind or "unbounded"]


def _usual(settings: Settings) -> dict[str, float]:
    number = "" if settings.twilio_messaging_service_sid else settings.twilio_from
    if not number:
        return USUAL
    if not number.startswith("+"):
        return USUAL | {"sms": 100.0}  # a short code, or a name
    if number.startswith(TOLL_FREE):
        return USUAL | {"sms": 3.0}
    return USUAL | {"sms": 1.0 if number.startswith("+1") else ELSEWHERE}


def _names(settings: Settings) -> dict[str, str]:
    return {
        "sms": settings.twilio_messaging_service_sid or settings.twilio_from,
        "whatsapp": settings.whatsapp_from,
        "voice": settings.voice_from,
        "chat": settings.conversations_sid,
        "email": settings.mail_sender,
    }
