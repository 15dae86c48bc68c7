"""The file of how many may bounce, report and leave before a campaign is paused by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from data_contracts.yaml_files import home_rules_file, read_yaml_file

What = Literal["bounced", "complained", "opted_out"]
WHATS: tuple[What, ...] = get_args(What)
FILE = Path(__file__).with_name("deliverability.yaml")
MEND = "Mend it there; without the file in RAPPORT_HOME the shipped one holds."
Share = Annotated[float, Field(gt=0, le=1, strict=True)]


@dataclass(frozen=True)
class Tolerance:
    """What a company lets a campaign do to its name: the share by channel and by what happens, from so many messages on."""

    at_least: int
    shares: Mapping[str, Mapping[What, float]] = field(default_factory=dict)


class _Shares(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    bounced: Share | None = None
    complained: Share | None = None
    opted_out: Share | None = None


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    at_least: int = Field(ge=1, le=1_000_000, strict=True)
    email: _Shares = _Shares()
    sms: _Shares = _Shares()
    whatsapp: _Shares = _Shares()
    voice: _Shares = _Shares()
    chat: _Shares = _Shares()


def read_tolerance(home: Path) -> Tolerance:
    """Read what an installation tolerates: its own file, else the shipped one. Raises InputError with the line."""
    return _read(home_rules_file(home, FILE))


@lru_cache(maxsize=1)
def shipped_tolerance() -> Tolerance:
    """Read the shipped file."""
    return _read(FILE)


def _read(path: Path) -> Tolerance:
    file = read_yaml_file(path, mend=MEND).checked(_File)
    channels = {name: getattr(file, name) for name in ("email", "sms", "whatsapp", "voice", "chat")}
    return Tolerance(
        file.at_least,
        {
            channel: {what: share for what in WHATS if (share := getattr(shares, what)) is not None}
            for channel, shares in channels.items()
        },
    )
