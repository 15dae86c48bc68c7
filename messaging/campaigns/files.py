"""A campaign's file, checked key by key, and read into a campaign."""

import re
from datetime import date, datetime, time
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
    Survey,
    Tracking,
    Variant,
)
from messaging.campaigns.schedule import CATCH_UP_HOURS, LAST, WEEKDAYS, Every, Schedule
from messaging.campaigns.trigger import LONGEST_VALUE, URL, Told, Trigger
from messaging.policy import FrequencyCap
from messaging.policy.limits import Money
from messaging.rendering.templates import Channel, Text
from messaging.segments import ORDERED, read_goal

_DAY = r"20\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_WALL = re.compile(rf"{_DAY}[T ]([01]\d|2[0-3]):[0-5]\d(:00)?")
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


def _with_on(value: Any) -> Any:
    """Take the key `on` for the word that it is: YAML 1.1 reads it as true."""
    if isinstance(value, dict):
        return {"on" if key is True else key: each for key, each in value.items()}
    return value or None


def _list(value: Any) -> Any:
    """Take one name for a list of it."""
    return [value] if isinstance(value, str) else value or ()


def _clock(value: Any) -> Any:
    """Take `at` as text: YAML reads 2026-12-01T10:00:00 as a moment, and 10:00 without quotes as the number 600."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, int):
        raise ValueError(  # noqa: TRY004 - pydantic tells this one
            'put the hour in quotes, as in at: "10:00"'
        )
    return value


class _Schedule(_Part):
    at: Annotated[str, BeforeValidator(_clock)]
    every: Every | None = None
    on: str | None = None
    customer_local: bool = Field(False, strict=True)
    catch_up_hours: float = Field(CATCH_UP_HOURS, gt=0, le=168, strict=True)


class _Survey(_Part):
    kind: Literal["nps", "csat", "ces", "other"]
    question: Text
    lowest: int = Field(0, ge=0, le=1, strict=True)
    highest: int = Field(10, ge=2, le=100, strict=True)


EventName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.:-]{0,99}$")]  # as the contract of events has it
FIELD = (
    r"^(name|external_id|currency|value_minor|order_id|product_id|url|campaign|properties\.[^.\s]{1,100})$"
)


class _Told(_Part):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=False)

    field: str = Field(pattern=FIELD)
    example: Annotated[str, Field(min_length=1, max_length=LONGEST_VALUE)] | int


class _Trigger(_Part):
    event: EventName | None = None
    enters: Literal["segment"] | None = None
    wait_minutes: int = Field(0, ge=0, le=60 * 24 * 30, strict=True)
    unless: Annotated[tuple[EventName, ...], BeforeValidator(_list), Field(max_length=10)] = ()
    values: dict[Word, _Told] | None = None
    catch_up_hours: float = Field(CATCH_UP_HOURS, gt=0, le=168, strict=True)


def _on_or_off(value: Any) -> Any:
    """Take `links: false` for none that leads by us, and true for the default."""
    return {"email": value} if isinstance(value, bool) else value or {}


UtmValue = Annotated[str, Field(pattern=r"^[^\s\x00-\x1f]{1,100}$")]


class _Links(_Part):
    email: bool = Field(True, strict=True)
    sms: bool = Field(False, strict=True)  # they grow by some 200 characters, which is two segments more
    utm_source: UtmValue | None = None
    utm_medium: UtmValue | None = None
    utm_campaign: UtmValue | None = None
    utm_content: UtmValue | None = None

    def tracking(self) -> Tracking:
        """Give it as a campaign has it."""
        told = self.model_dump(exclude={"email", "sms"}, exclude_none=True)
        channels = frozenset(name for name, on in (("email", self.email), ("sms", self.sms)) if on)
        return Tracking(channels, {key.removeprefix("utm_"): value for key, value in told.items()})


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
    schedule: Annotated[_Schedule | None, BeforeValidator(_with_on)] = None
    trigger: _Trigger | None = None
    survey: _Survey | None = None
    shadow: bool = Field(False, strict=True)
    links: Annotated[_Links, BeforeValidator(_on_or_off)] = _Links()
    coupon: Word | None = None
    per_hour: int | None = Field(None, ge=1, le=1_000_000, strict=True)
    send_time: Literal["usual_hour"] | None = None

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
            if key.endswith("_url") and not URL.match(text):
                raise ValueError(f"{key} is {shown(repr(text))}; begin it with https://")
        return values


def refuse_past_start(campaign: Campaign, text: str, now: datetime, company_zone: str) -> None:
    """Refuse a campaign's file whose only moment is over. Raises CampaignError with its line.

    Not asked where a file is read: what a run or an approval has stored stays readable for ever.
    """
    schedule = campaign.schedule
    if schedule is None or next(schedule.moments(now, company_zone), None) is not None:
        return
    _file(campaign.name, text).refuse(("schedule", "at"), f"its start, {schedule.once}, is over")


def _file(name: str, text: str) -> YamlFile:
    return YamlFile(f"Campaign {name!r}", text, CampaignError, MEND)


def _schedule(found: _Schedule, file: YamlFile) -> Schedule:
    """Read a schedule; `on` is none without `every`, and which it may be goes by it."""
    local, hours = found.customer_local, found.catch_up_hours
    if found.every is None:
        if found.on is not None:
            file.refuse(("schedule", True), "`on` needs `every: week` or `every: month` beside it")
        once = _wall(found.at)
        if once is None:
            file.refuse(
                ("schedule", "at"), "`at` needs a day and an hour without a zone, as 2026-12-01T10:00"
            )
        return Schedule(once=once, customer_local=local, catch_up_hours=hours)
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", found.at):
        file.refuse(("schedule", "at"), 'beside `every`, `at` needs an hour in quotes, as "10:00"')
    on = _on(found.every, found.on)
    if on is None and found.every != "day":
        legal = ", ".join(WEEKDAYS) if found.every == "week" else "1 to 31, or last"
        file.refuse(("schedule", True), f"every {found.every} needs an `on` of {legal}")
    if found.every == "day" and found.on is not None:
        file.refuse(("schedule", True), "every day has no `on`")
    hour = time.fromisoformat(found.at)
    return Schedule(None, found.every, on, hour, customer_local=local, catch_up_hours=hours)


def _trigger(found: _File, file: YamlFile) -> Trigger | None:
    """Read a trigger; what can only be of a plan for everybody has no place beside it."""
    told = found.trigger
    if told is None:
        return None
    if (told.event is None) == (told.enters is None):
        file.refuse(("trigger",), "it needs either `event: NAME` or `enters: segment`")
    for other, has in (("schedule", found.schedule), ("coupon", found.coupon), ("shadow", found.shadow)):
        if has:
            file.refuse((other,), f"`{other}` is of a plan for everybody, and has no place beside `trigger`")
    values = told.values or {}
    if values and told.event is None:
        file.refuse(("trigger", "values"), "only an event tells values")
    for name, value in values.items():
        if name in (found.values or {}):
            file.refuse(("trigger", "values", name), f"{name} stands under `values` as well")
        if name.endswith("_url") and not (isinstance(value.example, str) and URL.match(value.example)):
            file.refuse(
                ("trigger", "values", name, "example"), f"the example of {name} has to begin with https://"
            )
    return Trigger(
        told.event,
        told.wait_minutes,
        told.unless,
        {name: Told(value.field, value.example) for name, value in values.items()},
        told.catch_up_hours,
    )


def _wall(written: str) -> datetime | None:
    try:
        return datetime.fromisoformat(written) if _WALL.fullmatch(written) else None
    except ValueError:  # such as 31 February
        return None


def _on(every: Every, written: str | None) -> int | None:
    if written is None or every == "day":
        return None
    if every == "week":
        return WEEKDAYS.index(written) if written in WEEKDAYS else None
    if written == "last":
        return LAST
    return int(written) if re.fullmatch(r"[1-9]|[12]\d|3[01]", written) else None


def read_campaign(name: str, text: str) -> Campaign:
    """Read a campaign's file. Raises CampaignError with the line of what is wrong in it."""
    file = _file(name, text)
    found = file.checked(_File)
    if (found.template is None) == (found.variants is None):
        file.refuse(
            (), "it names no template" if found.variants is None else "it names a template beside `variants`"
        )
    asks = found.survey
    if asks is not None and asks.kind == "nps" and (asks.lowest, asks.highest) != (0, 10):
        file.refuse(("survey",), "nps is asked from 0 to 10")
    if found.send_time and found.schedule and found.schedule.customer_local:
        file.refuse(("send_time",), "`customer_local` says the hour already; take one of the two out")
    trigger = _trigger(found, file)
    examples = {key: told.example for key, told in trigger.values.items()} if trigger else {}
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
        values={**(found.values or {}), **examples},
        stands_on=found.stands_on or STANDS_ON,
        moved_percent=found.launch.moved_percent if found.launch else MOVED_PERCENT,
        data_hours=found.launch.data_hours if found.launch else DATA_HOURS,
        approval=ApprovalRule(found.approval.people, found.approval.second_above)
        if found.approval
        else ApprovalRule(),
        schedule=_schedule(found.schedule, file) if found.schedule else None,
        trigger=trigger,
        shadow=found.shadow,
        tracking=found.links.tracking(),
        survey=Survey(name, asks.kind, asks.question, asks.lowest, asks.highest) if asks else None,
        coupon=found.coupon,
        per_hour=found.per_hour,
        at_usual_hour=found.send_time is not None,
    )
