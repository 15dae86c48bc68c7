"""The limits of a company: how often it writes to one person, what messages cost, how much a day may cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from data_contracts.yaml_files import YamlFile, home_rules_file, read_yaml_file
from messaging.policy.facts import FrequencyCap
from messaging.policy.prices import MILLION, Price, Prices
from messaging.settings import Settings

LIMITS_FILE = Path(__file__).with_name("limits.yaml")
EVERY_CHANNEL = "every channel"
MEND = "Mend it there; without the file in RAPPORT_HOME the shipped one holds."
Channel = Literal["sms", "whatsapp", "voice", "chat", "email"]
Scope = Literal["every channel", "sms", "whatsapp", "voice", "chat", "email"]


@dataclass(frozen=True)
class Limits:
    """What a company allows itself; budgets are by scope, in millionths of the currency, for a day of `time_zone`."""

    caps: tuple[FrequencyCap, ...] = ()
    prices: Prices = field(default_factory=Prices)
    budgets: Mapping[str, int] = field(default_factory=dict)
    time_zone: str = "UTC"

    def day(self, now: datetime) -> tuple[date, datetime]:
        """Give the company's day at a moment, and when it ends (both moments naive UTC)."""
        where = ZoneInfo(self.time_zone)
        today = now.replace(tzinfo=UTC).astimezone(where).date()
        ends = datetime.combine(today + timedelta(days=1), time.min, tzinfo=where)
        return today, ends.astimezone(UTC).replace(tzinfo=None)


def millionths(value: Any) -> Any:
    """Read an amount of money, such as 0.0405, as millionths of it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("write an amount of money as a number, such as 0.0405")  # noqa: TRY004 - pydantic's way
    amount = Decimal(str(value)) * MILLION
    if not amount.is_finite() or amount != int(amount) or not 0 <= amount <= 10**15:
        raise ValueError("an amount of money is 0 or more, to a millionth at most")
    return int(amount)


Money = Annotated[int, BeforeValidator(millionths)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Cap(_Part):
    messages: int = Field(ge=1, le=100, strict=True)
    days: int = Field(ge=1, le=365, strict=True)


class _Price(_Part):
    each: Money
    by_country: dict[Annotated[str, Field(pattern="^[A-Z]{2}$")], Money] = Field({}, alias="by country")


class _File(_Part):
    as_of: date
    caps: dict[Scope, tuple[_Cap, ...]] = {}
    prices: dict[Channel, _Price] = {}
    budgets: dict[Scope, Money] = {}


def read_limits(settings: Settings) -> Limits:
    """Read the limits of an installation: its own file, else the shipped one. Raises InputError with the line."""
    return _read(home_rules_file(settings.home, LIMITS_FILE), settings.currency, settings.time_zone)


@lru_cache(maxsize=1)
def shipped_limits() -> Limits:
    """Read the shipped limits, which know no prices and no budgets."""
    return _read(LIMITS_FILE, "", "UTC")


def _read(path: Path, currency: str, time_zone: str) -> Limits:
    source = read_yaml_file(path, mend=MEND)
    file = source.checked(_File)
    _check_budgets(source, file)
    return Limits(
        caps=tuple(
            FrequencyCap(cap.messages, cap.days, None if scope == EVERY_CHANNEL else scope)
            for scope, caps in file.caps.items()
            for cap in caps
        ),
        prices=Prices(
            currency, {channel: Price(price.each, price.by_country) for channel, price in file.prices.items()}
        ),
        budgets={str(scope): amount for scope, amount in file.budgets.items()},
        time_zone=time_zone,
    )


def _check_budgets(source: YamlFile, file: _File) -> None:
    """Refuse a budget that nothing is ever paid from: it would look like one and hold nobody back."""
    for scope in file.budgets:
        if scope not in file.prices and not (scope == EVERY_CHANNEL and file.prices):
            source.refuse(("budgets", scope), f"there is a budget for {scope} and no price under `prices`")
