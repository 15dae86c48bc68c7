"""Campaigns and the library of files that they are made of: segments, templates, layouts, campaigns.

The library is plain files without personal data, so that it can be kept in git. A run stores the files' own
text: what is approved, and what runs, is that content and not what the files became since.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

import yaml

from data_contracts.contracts import published_contract
from data_contracts.errors import CampaignError, LibraryError, NotFoundError
from data_contracts.model import Contract
from messaging.policy import DEFAULT_CAPS, FrequencyCap, MessageClass
from messaging.rendering import Compiled, Template, read_template
from messaging.rendering.templates import CONTENT, Channel
from messaging.segments import Segment, read_segment
from messaging.settings import Settings

SHIPPED = Path(__file__).parent / "library"
NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,59}")
TRANSLATION = re.compile(r"(?P<name>[a-z0-9_]+)(\.(?P<language>[A-Za-z]{2,3}(-[A-Za-z0-9]+)*))?\.j2")
LARGEST_FILE = 100_000  # bytes
OWN_LANGUAGE = "en"
PREFERRED = "preferred"  # stands for the channel that a customer answers best
STANDS_ON = ("purchases", "contacts", "consents")  # a red contract of one of these makes marketing wait
KEYS = frozenset(
    (
        "title",
        "description",
        "segment",
        "template",
        "channels",
        "holdout",
        "again_after_days",
        "values",
        "frequency_cap",
        "stands_on",
    )
)


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
class Campaign:
    """Whom we write to, what, in which order of channels, and who is left out to compare."""

    name: str
    title: str
    description: str
    segment: str
    template: str
    channels: tuple[str, ...]  # `preferred` or a channel, best first
    holdout: Holdout
    again_after_days: int
    caps: Mapping[str, FrequencyCap]
    values: Mapping[str, str]
    stands_on: tuple[str, ...]

    def channel_order(self, preferred: str | None) -> list[str]:
        """Give the channels to try for somebody, in order: theirs first where the campaign says so."""
        known = [channel for channel in self.channels if channel != PREFERRED]
        if PREFERRED in self.channels and preferred in known:
            return list(dict.fromkeys([preferred, *known]))
        return known


@dataclass(frozen=True)
class Content:
    """Everything that a run says and to whom, as one document with a hash; approval is of this."""

    campaign: Campaign
    segment: Segment
    templates: dict[str, dict[str, Template]]  # by channel, then by language
    message_class: MessageClass
    purpose: str
    document: dict[str, Any] = field(repr=False)
    hash: str

    def compiled(self, contract: Contract) -> dict[str, dict[str, Compiled]]:
        """Check every template against what is known of a customer, and make it ready to render."""
        columns = [column.name for column in contract.columns]
        return {
            channel: {language: Compiled(template, columns) for language, template in by_language.items()}
            for channel, by_language in self.templates.items()
        }

    def own_language(self, channel: str) -> str:
        """Name the language to fall back to on a channel."""
        offered = self.templates[channel]
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
        return read_segment(name, _yaml(self._text("segments", name), f"Segment {name!r}"), self.contract)

    def campaign(self, name: str) -> Campaign:
        """Read a campaign. Raises NotFoundError or CampaignError."""
        return read_campaign(name, _yaml(self._text("campaigns", name), f"Campaign {name!r}"))

    def content(self, name: str) -> Content:
        """Read a campaign with its segment and templates, as one document."""
        campaign = self.campaign(name)
        channels = [channel for channel in campaign.channels if channel != PREFERRED]
        document = {
            "campaign": {"name": name, "text": self._text("campaigns", name)},
            "segment": {"name": campaign.segment, "text": self._text("segments", campaign.segment)},
            "layout": self._layout() if "email" in channels else CONTENT,
            "templates": {channel: self._templates(channel, campaign.template) for channel in channels},
            "tables": list(campaign.stands_on),
            "caps": {channel: asdict(campaign.caps[channel]) for channel in channels},
        }
        return read_content(document, self.contract)

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
        path = self.folder / "layouts" / "email.j2"
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
    campaign = read_campaign(name, _yaml(document["campaign"]["text"], f"Campaign {name!r}"))
    segment = document["segment"]
    templates = {
        channel: {
            language: read_template(channel, campaign.template, language, text, document["layout"])
            for language, text in texts.items()
        }
        for channel, texts in document["templates"].items()
    }
    message_class, purpose = _one_kind(name, templates)
    _check_values(campaign, templates)
    return Content(
        campaign=campaign,
        segment=read_segment(
            segment["name"], _yaml(segment["text"], f"Segment {segment['name']!r}"), contract
        ),
        templates=templates,
        message_class=message_class,
        purpose=purpose,
        document=document,
        hash=content_hash(document),
    )


def content_hash(document: Mapping[str, Any]) -> str:
    """Name a content by its hash (SHA-256, hex)."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def read_campaign(name: str, document: Any) -> Campaign:
    """Check a campaign that was read from YAML. Raises CampaignError with what is wrong in it."""
    where = f"Campaign {name!r}"
    if not isinstance(document, dict) or not {"segment", "template", "channels"} <= set(document):
        raise CampaignError(f"{where} needs `segment`, `template` and `channels`.", "Add what is missing.")
    if unknown := sorted(map(str, set(document) - KEYS)):
        raise CampaignError(
            f"{where} has an unknown key {unknown[0]!r}.", f"Known are {', '.join(sorted(KEYS))}."
        )
    return Campaign(
        name=name,
        title=str(document.get("title") or name.replace("_", " ").capitalize()),
        description=str(document.get("description") or "").strip(),
        segment=str(document["segment"]),
        template=str(document["template"]),
        channels=_channels(document["channels"], where),
        holdout=_holdout(document.get("holdout"), name, where),
        again_after_days=_whole(document.get("again_after_days", 0), f"{where}: again_after_days", 0, 3650),
        caps=_caps(document.get("frequency_cap") or {}, where),
        values=_values(document.get("values") or {}, where),
        stands_on=tuple(str(each) for each in document.get("stands_on") or STANDS_ON),
    )


def _channels(value: Any, where: str) -> tuple[str, ...]:
    legal = (*get_args(Channel), PREFERRED)
    listed = [str(each) for each in value] if isinstance(value, list) else []
    if not set(listed) - {PREFERRED} or set(listed) - set(legal) or len(set(listed)) != len(listed):
        raise CampaignError(
            f"{where}: its channels are {value!r}.",
            f"List each once, of {', '.join(legal)}, with one real channel.",
        )
    return tuple(listed)


def _holdout(value: Any, name: str, where: str) -> Holdout:
    document = value or {}
    share = document.get("share", 0) if isinstance(document, dict) else None
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 0.5:
        raise CampaignError(
            f"{where}: its holdout is {value!r}.", "Write it as {share: 0.1, salt: some-words}."
        )
    return Holdout(float(share), str(document.get("salt") or name))


def _caps(value: Any, where: str) -> dict[str, FrequencyCap]:
    """Read a campaign's own caps; they can only be stricter than ours."""
    caps = dict(DEFAULT_CAPS)
    for channel, cap in value.items() if isinstance(value, dict) else [("?", None)]:
        if not isinstance(cap, dict) or set(cap) != {"messages", "days"} or channel not in caps:
            raise CampaignError(
                f"{where}: its frequency_cap is {value!r}.", "Write it as {sms: {messages: 1, days: 14}}."
            )
        most = _whole(cap["messages"], f"{where}: messages", 1, 100)
        caps[channel] = FrequencyCap(most, _whole(cap["days"], f"{where}: days", 1, 365))
    return caps


def _values(value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(NAME.fullmatch(str(key)) for key in value):
        raise CampaignError(f"{where}: its values are {value!r}.", "Write them as {offer_code: BACK10}.")
    for key, text in value.items():
        if str(key).endswith("_url") and not re.match(r"https?://[^\s\"'<>]+\Z", str(text)):
            raise CampaignError(f"{where}: {key} is {text!r}.", "Begin it with https://.")
    return {str(key): str(text) for key, text in value.items()}


def _whole(value: Any, what: str, lowest: int, highest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise CampaignError(
            f"{what} is {value!r}.", f"It should be a whole number from {lowest} to {highest}."
        )
    return int(value)


def _one_kind(name: str, templates: dict[str, dict[str, Template]]) -> tuple[MessageClass, str]:
    """Hold all templates of a campaign to one class and one purpose: consent is asked for that."""
    kinds = {(each.message_class, each.purpose) for every in templates.values() for each in every.values()}
    if len(kinds) != 1:
        words = ", ".join(sorted(f"{message_class} for {purpose}" for message_class, purpose in kinds))
        raise CampaignError(
            f"The templates of campaign {name!r} are of several kinds: {words}.", "Make them one."
        )
    return cast("tuple[MessageClass, str]", kinds.pop())


def _check_values(campaign: Campaign, templates: dict[str, dict[str, Template]]) -> None:
    needed = {name for every in templates.values() for each in every.values() for name in each.needs}
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


def _yaml(text: str, what: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise LibraryError(f"{what} is no YAML{line}.", "Check its brackets, quotes and indents.") from error
