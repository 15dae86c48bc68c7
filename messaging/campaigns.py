"""Campaigns and the library of files that they are made of: segments, templates, layouts, campaigns.

The library is plain files without personal data, so that it can be kept in git. A run stores the files' own
text: what is approved, and what runs, is that content and not what the files became since.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from data_contracts.contracts import published_contract
from data_contracts.errors import CampaignError, LibraryError, NotFoundError, SegmentError, TemplateError
from data_contracts.model import Contract
from data_contracts.yaml_files import YamlFile, shown
from messaging.policy import FrequencyCap, MessageClass
from messaging.policy.limits import Money
from messaging.rendering import Compiled, Template, read_template
from messaging.rendering.checking import check_contract
from messaging.rendering.templates import CONTENT, LANGUAGE, LAYOUT, OWN_LANGUAGE, Channel, Text
from messaging.segments import ORDERED, Goal, Segment, named_in, read_goal, read_segment
from messaging.settings import Settings

SHIPPED = Path(__file__).parent / "library"
NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,59}")
TRANSLATION = re.compile(rf"(?P<name>[a-z0-9_]+)(\.(?P<language>{LANGUAGE}))?\.j2")
LARGEST_FILE = 100_000  # bytes
PREFERRED = "preferred"  # stands for the channel that a customer answers best
STANDS_ON = ("purchases", "contacts", "consents")  # a red contract of one of these makes marketing wait
MOVED_PERCENT = 20.0
DATA_HOURS = 48.0
MEND = "Mend it there; the shipped win_back shows how a campaign is written."


@dataclass(frozen=True)
class Holdout:
    """The share of people who hear nothing, drawn by a salted hash so that anybody can draw it again."""

    share: float
    salt: str

    def holds(self, customer_id: str) -> bool:
        """Say whether the lot falls on a customer.

        The same in SQL: `('0x' || left(sha256(salt || ':' || customer_id), 8))::BIGINT < share * 4294967296`.
        """
        digest = hashlib.sha256(f"{self.salt}:{customer_id}".encode()).hexdigest()
        return int(digest[:8], 16) < self.share * 2**32


@dataclass(frozen=True)
class Variant:
    """One of several templates that are tried against one another, with its part of the people."""

    name: str
    template: str
    share: int  # beside the others' shares


@dataclass(frozen=True)
class Campaign:
    """Whom we write to, what, in which order of channels, and who is left out to compare."""

    name: str
    title: str
    description: str
    segment: str
    variants: tuple[Variant, ...]  # one without a name, where nothing is tried against anything
    goal: Goal
    channels: tuple[str, ...]  # `preferred` or a channel, best first
    fall_back: bool  # whether it goes by the next channel where it surely did not arrive by the first
    holdout: Holdout
    again_after_days: int
    caps: Mapping[str, FrequencyCap]  # its own by channel, beside those that hold for every campaign
    daily_budget: int | None  # in millionths of the currency
    expires_after_days: int | None  # so long after its plan a message may go; None for as long as all may
    values: Mapping[str, str]
    stands_on: tuple[str, ...]
    moved_percent: float  # so much of the audience may come or go between plan and launch
    data_hours: float  # so old may the release be when it is launched

    @property
    def template(self) -> str:
        """Name the first template."""
        return self.variants[0].template

    def variant_of(self, customer_id: str) -> Variant:
        """Say which variant the lot gives to a customer, whoever else is there; the holdout's lot is another one.

        The same in SQL: `('0x' || left(sha256(salt || ':variant:' || customer_id), 8))::BIGINT` lies below
        `(shares up to and with the variant's) * 4294967296 / (all shares)`.
        """
        digest = hashlib.sha256(f"{self.holdout.salt}:variant:{customer_id}".encode()).hexdigest()
        drawn, every = int(digest[:8], 16), sum(each.share for each in self.variants)
        ends = accumulate(each.share for each in self.variants)
        return next(
            each for each, end in zip(self.variants, ends, strict=True) if drawn * every < end * 2**32
        )

    def channel_order(self, preferred: str | None) -> list[str]:
        """Give the channels to try for somebody, in order: theirs first where the campaign says so."""
        known = [channel for channel in self.channels if channel != PREFERRED]
        if PREFERRED in self.channels and preferred in known:
            return list(dict.fromkeys([preferred, *known]))
        return known


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


@dataclass(frozen=True)
class Content:
    """Everything that a run says and to whom, as one document with a hash; approval is of this."""

    campaign: Campaign
    segment: Segment
    templates: dict[str, dict[str, dict[str, Template]]]  # by name, then by channel, then by language
    message_class: MessageClass
    purpose: str
    document: dict[str, Any] = field(repr=False)
    hash: str

    def compiled(self, contract: Contract) -> dict[str, dict[str, dict[str, Compiled]]]:
        """Check every template against the contract of what is known of a customer, and make it ready to render.

        Raises TemplateError with the file and the line of the first thing that is wrong.
        """
        columns = [column.name for column in contract.columns]
        compiled = {
            name: {
                channel: {language: Compiled(template, columns) for language, template in by_language.items()}
                for channel, by_language in by_channel.items()
            }
            for name, by_channel in self.templates.items()
        }
        for found in (
            each for template in _each(self.templates) for each in check_contract(template, contract)
        ):
            raise TemplateError(f"{found.file}, line {found.line}: {found.sentence}", found.mend)
        return compiled

    @property
    def texts(self) -> dict[str, dict[str, dict[str, str]]]:
        """Give the text of each template, by channel and language, as it was read."""
        return {self.campaign.template: self.document["templates"], **self.document.get("variants", {})}

    def with_lists(self, versions: Mapping[str, str]) -> "Content":
        """Give the content with the versions of the uploaded lists that its segment names: they are approved with it."""
        if not versions:
            return self
        document = self.document | {"lists": dict(versions)}
        return replace(self, document=document, hash=content_hash(document))

    def own_language(self, template: str, channel: str) -> str:
        """Name the language that a template falls back to on a channel."""
        offered = self.templates[template][channel]
        return OWN_LANGUAGE if OWN_LANGUAGE in offered else next(iter(offered))


@dataclass(frozen=True)
class FillReport:
    """What was copied into a library, and what was there already and stays as it is."""

    copied: tuple[str, ...]
    kept: tuple[str, ...]


def fill_library(settings: Settings) -> FillReport:
    """Copy the shipped files into the library where they are absent; never touch one that is there."""
    copied, kept = [], []
    for source in sorted(path for path in SHIPPED.rglob("*") if path.suffix in {".yaml", ".j2"}):
        name = source.relative_to(SHIPPED)
        target = settings.library_dir / name
        if target.exists():
            kept.append(str(name))
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(
            f".{target.name}.{os.getpid()}"
        )  # a process that dies here leaves no half file
        shutil.copyfile(source, draft)
        draft.replace(target)
        copied.append(str(name))
    return FillReport(tuple(copied), tuple(kept))


class Library:
    """The files of an installation's library, checked as they are read."""

    def __init__(self, folder: Path, contract: Contract | None = None) -> None:
        self.folder = folder
        self.contract = contract or published_contract("customer_360")

    def names(self, kind: str) -> list[str]:
        """Name what there is of a kind: `campaigns` or `segments`."""
        return sorted(path.stem for path in (self.folder / kind).glob("*.yaml") if NAME.fullmatch(path.stem))

    def segment(self, name: str) -> Segment:
        """Read a segment. Raises NotFoundError or SegmentError."""
        return _segment(name, lambda each: self._text("segments", each), self.contract)

    def campaign(self, name: str) -> Campaign:
        """Read a campaign. Raises NotFoundError or CampaignError."""
        return read_campaign(name, self._text("campaigns", name))

    def content(self, name: str) -> Content:
        """Read a campaign with its segment and templates, as one document."""
        campaign = self.campaign(name)
        channels = [channel for channel in campaign.channels if channel != PREFERRED]
        document: dict[str, Any] = {
            "campaign": {"name": name, "text": self._text("campaigns", name)},
            "segment": {"name": campaign.segment, "text": self._text("segments", campaign.segment)},
            "layout": self._layout() if "email" in channels else CONTENT,
            "templates": {channel: self._templates(channel, campaign.template) for channel in channels},
            "tables": list(campaign.stands_on),
            "caps": {
                channel: asdict(campaign.caps[channel]) for channel in channels if channel in campaign.caps
            },
        }
        if campaign.daily_budget is not None:
            document["budget"] = campaign.daily_budget
        if campaign.expires_after_days is not None:
            document["expires_after_days"] = campaign.expires_after_days
        if others := sorted({each.template for each in campaign.variants} - {campaign.template}):
            document["variants"] = {
                name: {channel: self._templates(channel, name) for channel in channels} for name in others
            }
        if others := named_in(self.segment(campaign.segment).rule):
            document["segments"] = {other: self._text("segments", other) for other in others}
        return read_content(document, self.contract)

    def template_names(self) -> list[str]:
        """Name the templates that there are, of any channel."""
        paths = (self.folder / "templates").glob("*/*.j2")
        return sorted({match["name"] for path in paths if (match := TRANSLATION.fullmatch(path.name))})

    def template_texts(self, name: str) -> dict[str, dict[str, str]]:
        """Give the texts of a template by channel and language. Raises NotFoundError."""
        channels = [
            each for each in get_args(Channel) if any((self.folder / "templates" / each).glob(f"{name}*.j2"))
        ]
        known = self.template_names()
        if name not in known:
            raise NotFoundError(
                f"There is no template {name!r}.", f"There is: {', '.join(known) or 'none yet'}."
            )
        found: dict[str, dict[str, str]] = {}
        for channel in channels:
            with suppress(NotFoundError):  # another template's name begins like this one's
                found[channel] = self._templates(channel, name)
        return found

    def layout(self) -> str:
        """Give the layout around every e-mail. Raises LibraryError."""
        return self._layout()

    def _templates(self, channel: str, name: str) -> dict[str, str]:
        """Give the text of a template in each of its languages."""
        folder = self.folder / "templates" / channel
        found = {}
        for path in sorted(folder.glob(f"{name}*.j2")):
            match = TRANSLATION.fullmatch(path.name)
            if match and match["name"] == name:
                found[match["language"] or OWN_LANGUAGE] = _read(path)
        if not found:
            raise NotFoundError(
                f"There is no template {name!r} for {channel}.",
                f"Add {folder / name}.j2, or drop the channel.",
            )
        return found

    def _layout(self) -> str:
        path = self.folder / LAYOUT
        text = _read(path) if path.exists() else CONTENT
        if CONTENT not in text:
            raise LibraryError(f"{path} does not say where the {CONTENT} goes.", "Add it once.")
        return text

    def _text(self, kind: str, name: str) -> str:
        path = self.folder / kind / f"{name}.yaml"
        if not NAME.fullmatch(name) or not path.is_file():
            known = ", ".join(self.names(kind)) or "none yet"
            raise NotFoundError(f"There is no {kind.rstrip('s')} {name!r}.", f"There is: {known}.")
        return _read(path)


def read_content(document: dict[str, Any], contract: Contract) -> Content:
    """Read a content document, from the library or from a run that stored it."""
    name = document["campaign"]["name"]
    campaign = read_campaign(name, document["campaign"]["text"])
    segment = document["segment"]
    texts_of = {segment["name"]: segment["text"], **document.get("segments", {})}
    texts = {campaign.template: document["templates"], **document.get("variants", {})}
    templates = {
        template: {
            channel: {
                language: read_template(channel, template, language, text, document["layout"])
                for language, text in by_language.items()
            }
            for channel, by_language in by_channel.items()
        }
        for template, by_channel in texts.items()
    }
    message_class, purpose = _one_kind(name, templates)
    _check_values(campaign, templates)
    return Content(
        campaign=campaign,
        segment=_segment(segment["name"], texts_of.__getitem__, contract),
        templates=templates,
        message_class=message_class,
        purpose=purpose,
        document=document,
        hash=content_hash(document),
    )


def content_hash(document: Mapping[str, Any]) -> str:
    """Name a content by its hash (SHA-256, hex)."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


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
    )


def _each(templates: dict[str, dict[str, dict[str, Template]]]) -> Iterator[Template]:
    for by_channel in templates.values():
        for by_language in by_channel.values():
            yield from by_language.values()


def _one_kind(name: str, templates: dict[str, dict[str, dict[str, Template]]]) -> tuple[MessageClass, str]:
    """Hold all templates of a campaign to one class and one purpose: consent is asked for that."""
    kinds = {(each.message_class, each.purpose) for each in _each(templates)}
    if len(kinds) != 1:
        words = ", ".join(sorted(f"{message_class} for {purpose}" for message_class, purpose in kinds))
        raise CampaignError(
            f"The templates of campaign {name!r} are of several kinds: {words}.", "Make them one."
        )
    return cast("tuple[MessageClass, str]", kinds.pop())


def _check_values(campaign: Campaign, templates: dict[str, dict[str, dict[str, Template]]]) -> None:
    needed = {name for each in _each(templates) for name in each.needs}
    if missing := sorted(needed - set(campaign.values)):
        raise CampaignError(
            f"Campaign {campaign.name!r} gives no value for {', '.join(missing)}, which its templates need.",
            "Add it under `values:`.",
        )


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise LibraryError(f"{path} is larger than {LARGEST_FILE} bytes.", "Shorten it.")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LibraryError(f"{path} cannot be read as a text in UTF-8.", "Check the file.") from error


def _segment(
    name: str, text_of: Callable[[str], str], contract: Contract, above: tuple[str, ...] = ()
) -> Segment:
    """Read a segment and the ones that it names. Raises SegmentError where it stands on itself."""
    if name in above:
        raise SegmentError(
            f"Segment {name!r} stands on itself: {' -> '.join((*above, name))}.", "Take one of these out."
        )
    file = YamlFile(
        f"Segment {name!r}", text_of(name), SegmentError, "Check its brackets, quotes and indents."
    )
    return read_segment(
        name,
        file.values,
        contract,
        lambda other: _segment(other, text_of, contract, (*above, name)),
        file=file,
    )
