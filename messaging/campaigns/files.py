"""A campaign's file, checked key by key, and read into a campaign."""

import re
from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from data_contracts.errors import CampaignError
from data_contracts.yaml_files import YamlFile, shown
from messaging.campaigns.model import (
    DATA_HOURS,
    MOVED_PERCENT,
    NAME,
    PREFERRED,
    STANDS_ON,
    ApprovalRule,
    Campaign,
    Holdout,
    Variant,
)
from messaging.policy import FrequencyCap
from messaging.policy.limits import Money
from messaging.rendering.templates import Channel, Text
from messaging.segments import ORDERED, read_goal

MEND = "Mend it there; the shipped win_back shows how a campaign is written."


def _or_none(value: Any) -> Any:
    """Take `holdout: false`, `values: []` and their like for none."""
    return value if isinstance(value, dict) else value or None


def _salted(value: Any) -> Any:
    """Give a salt as the lots of earlier campaigns were drawn with: 0, no and an empty one meant the campaign's name."""
    return str(value) if value and isinstance(value, bool | int | float | date) else value or None


Word = Annotated[str, Field(pattern=rf"^{NAME.pattern}$")]
FileName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")]  # the library says which there are
Capped = Literal["sms", "whatsapp", "voice", "chat", "email"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class _Holdout(_Part):
    share: float = Field(0, ge=0, le=0.5, strict=True)
    salt: Annotated[str | None, BeforeValidator(_salted)] = None


class _Variant(_Part):
    template: FileName
    share: int = Field(1, ge=1, le=1000, strict=True)


class _Cap(_Part):
    messages: int = Field(ge=1, le=100, strict=True)
    days: int = Field(ge=1, le=365, strict=True)


class _Launch(_Part):
    moved_percent: float = Field(MOVED_PERCENT, gt=0, le=1000, strict=True)
    data_hours: float = Field(DATA_HOURS, gt=0, le=24 * 366, strict=True)


class _Approval(_Part):
    people: Literal[1, 2] = 1
    second_above: int | None = Field(None, ge=0, strict=True)


class _File(_Part):
    """A campaign as it stands in its file; a key without a value counts as none."""

    title: Text | None = None
    description: Text | None = None
    segment: FileName
    template: FileName | None = None
    variants: Annotated[dict[Word, _Variant] | None, Field(max_length=8)] = None
    goal: dict[str, Any] | None = None
    channels: tuple[Channel | Literal["preferred"], ...]
    holdout: Annotated[_Holdout | None, BeforeValidator(_or_none)] = None
    fall_back: bool = Field(False, strict=True)
    again_after_days: int = Field(0, ge=0, le=3650, strict=True)
    values: Annotated[dict[Word, Text] | None, BeforeValidator(_or_none)] = None
    frequency_cap: Annotated[dict[Capped, _Cap] | None, BeforeValidator(_or_none)] = None
    daily_budget: Money | None = None
    expires_after_days: int | None = Field(None, ge=1, le=365, strict=True)
    stands_on: tuple[Word, ...] | None = None
    launch: Annotated[_Launch | None, BeforeValidator(_or_none)] = None
    approval: Annotated[_Approval | None, BeforeValidator(_or_none)] = None

    @field_validator("channels")
    @classmethod
    def _each_once(cls, channels: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(channels)) != len(channels) or not set(channels) - {PREFERRED}:
            raise ValueError(
                f"list each once, of {', '.join((*get_args(Channel), PREFERRED))}, with one real channel"
            )
        return channels

    @field_validator("values")
    @classmethod
    def _addresses(cls, values: dict[str, str] | None) -> dict[str, str] | None:
        for key, text in (values or {}).items():
            if key.endswith("_url") and not re.match(r"https?://[^\s\"'<>]+\Z", text):
                raise ValueError(f"{key} is {shown(repr(text))}; begin it with https://")
        return values


def read_campaign(name: str, text: str) -> Campaign:
    """Read a campaign's file. Raises CampaignError with the line of what is wrong in it."""
    file = YamlFile(f"Campaign {name!r}", text, CampaignError, MEND)
    found = file.checked(_File)
    if (found.template is None) == (found.variants is None):
        file.refuse(
            (), "it names no template" if found.variants is None else "it names a template beside `variants`"
        )
    return Campaign(
        name=name,
        title=found.title or name.replace("_", " ").capitalize(),
        description=(found.description or "").strip(),
        segment=found.segment,
        variants=tuple(Variant(key, each.template, each.share) for key, each in found.variants.items())
        if found.variants
        else (Variant("", str(found.template), 1),),
        goal=read_goal(found.goal, file) if found.goal is not None else ORDERED,
        channels=found.channels,
        holdout=Holdout(found.holdout.share, found.holdout.salt or name)
        if found.holdout
        else Holdout(0, name),
        fall_back=found.fall_back,
        again_after_days=found.again_after_days,
        caps={
            channel: FrequencyCap(cap.messages, cap.days, channel)
            for channel, cap in (found.frequency_cap or {}).items()
        },
        daily_budget=found.daily_budget,
        expires_after_days=found.expires_after_days,
        values=found.values or {},
        stands_on=found.stands_on or STANDS_ON,
        moved_percent=found.launch.moved_percent if found.launch else MOVED_PERCENT,
        data_hours=found.launch.data_hours if found.launch else DATA_HOURS,
        approval=ApprovalRule(found.approval.people, found.approval.second_above)
        if found.approval
        else ApprovalRule(),
    )
