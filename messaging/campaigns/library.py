"""The files of an installation's library, filled from the shipped ones and checked as they are read."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from data_contracts.contracts import contract_names, published_contract
from data_contracts.errors import CampaignError, LibraryError, NotFoundError
from data_contracts.model import Contract
from data_contracts.yaml_files import YamlFile
from messaging.assets import KINDS, served_names
from messaging.campaigns.content import Content, read_content, read_named_segment
from messaging.campaigns.files import read_campaign
from messaging.campaigns.model import NAME, PREFERRED, Campaign
from messaging.rendering import Template
from messaging.rendering.designs import BARE_MJML, CONTENT, LAYOUTS, Design, assets_in, is_mjml
from messaging.rendering.templates import HEAD, LANGUAGE, OWN_LANGUAGE, Channel
from messaging.segments import Segment, named_in
from messaging.settings import Settings

SHIPPED = Path(__file__).parents[1] / "library"
TRANSLATION = re.compile(rf"(?P<name>[a-z0-9_]+)(\.(?P<language>{LANGUAGE}))?\.j2")
FILES = {".yaml", ".j2", ".mjml", *KINDS}
ASSETS = "assets"
LARGEST_FILE = 100_000  # bytes


@dataclass(frozen=True)
class FillReport:
    """What was copied into a library, and what was there already and stays as it is."""

    copied: tuple[str, ...]
    kept: tuple[str, ...]


def fill_library(settings: Settings) -> FillReport:
    """Copy the shipped files into the library where they are absent; never touch one that is there."""
    copied, kept = [], []
    for source in sorted(path for path in SHIPPED.rglob("*") if path.suffix in FILES):
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

    def __init__(
        self, folder: Path, contract: Contract | None = None, drafts: Mapping[Path, str] | None = None
    ) -> None:
        self.folder = folder
        self.contract = contract or published_contract("customer_360")
        self._drafts = drafts or {}

    def with_template(self, channel: str, name: str, language: str, text: str) -> "Library":
        """Give the same library as if a text stood in the file of a template."""
        path = self.template_path(channel, name, language)
        return Library(self.folder, self.contract, {**self._drafts, path: text})

    def template_path(self, channel: str, name: str, language: str) -> Path:
        """Say in which file a template stands."""
        suffix = "" if language == OWN_LANGUAGE else f".{language}"
        return self.folder / "templates" / channel / f"{name}{suffix}.j2"

    def names(self, kind: str) -> list[str]:
        """Name what there is of a kind: `campaigns` or `segments`."""
        return sorted(path.stem for path in (self.folder / kind).glob("*.yaml") if NAME.fullmatch(path.stem))

    def segment(self, name: str, text: str | None = None) -> Segment:
        """Read a segment; `text` as if it stood in its file. Raises NotFoundError or SegmentError."""
        return read_named_segment(
            name,
            lambda each: text if text is not None and each == name else self._text("segments", each),
            self.contract,
        )

    def segment_text(self, name: str) -> str:
        """Give the text of a segment's file. Raises NotFoundError or LibraryError."""
        return self._text("segments", name)

    def campaign_text(self, name: str) -> str:
        """Give the text of a campaign's file. Raises NotFoundError or LibraryError."""
        return self._text("campaigns", name)

    def campaign(self, name: str) -> Campaign:
        """Read a campaign. Raises NotFoundError or CampaignError."""
        return read_campaign(name, self._text("campaigns", name))

    def campaigns(self) -> tuple[list[Campaign], dict[str, LibraryError]]:
        """Read every campaign; those whose files are wrong are given by name with what is wrong, and spoil no other."""
        found: list[Campaign] = []
        wrong: dict[str, LibraryError] = {}
        for name in self.names("campaigns"):
            try:
                found.append(self.campaign(name))
            except LibraryError as error:
                wrong[name] = error
        return found, wrong

    def content(self, name: str, text: str | None = None) -> Content:
        """Read a campaign with its segment and templates, as one document; `text` as if it stood in its file."""
        text = self._text("campaigns", name) if text is None else text
        campaign = read_campaign(name, text)
        file = YamlFile(f"Campaign {name!r}", text, CampaignError)
        _refuse_vain(campaign, file)
        with _told_at(file, "segment"):
            self._text("segments", campaign.segment)
        for each in campaign.variants:
            with _told_at(file, *(("variants", each.name, "template") if each.name else ("template",))):
                for channel in (each for each in campaign.channels if each != PREFERRED):
                    self._templates(channel, each.template)
        return read_content(self._document(text, campaign), self.contract)

    def _document(self, text: str, campaign: Campaign) -> dict[str, Any]:
        """Put together everything that a campaign says and to whom."""
        channels = [channel for channel in campaign.channels if channel != PREFERRED]
        document: dict[str, Any] = {
            "campaign": {"name": campaign.name, "text": text},
            "segment": {"name": campaign.segment, "text": self._text("segments", campaign.segment)},
            "layout": self._layout("html") if "email" in channels else CONTENT,
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
        if campaign.per_hour is not None:
            document["per_hour"] = campaign.per_hour
        if others := sorted({each.template for each in campaign.variants} - {campaign.template}):
            document["variants"] = {
                name: {channel: self._templates(channel, name) for channel in channels} for name in others
            }
        document |= self._design_of(document)
        if others := named_in(self.segment(campaign.segment).rule):
            document["segments"] = {other: self._text("segments", other) for other in others}
        return document

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

    def design(self) -> Design:
        """Give what e-mails share: their layouts, and all pictures that there are. Raises LibraryError."""
        names = [path.name for path in (self.folder / ASSETS).glob("*") if path.suffix.lower() in KINDS]
        return Design(self._layout("html"), self._layout("mjml"), served_names(self.folder / ASSETS, names))

    def assets_of(self, template: Template) -> dict[str, str]:
        """Give the pictures that a template shows, by their names."""
        return {
            name: served for name, served in self.design().assets.items() if served in (template.html or "")
        }

    def _design_of(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Give what of the design a campaign's mails stand on, beside the layout for HTML: nothing, where that is all."""
        of_template = [document["templates"], *document.get("variants", {}).values()]
        bodies = [HEAD.sub("", text) for each in of_template for text in each.get("email", {}).values()]
        found: dict[str, Any] = {"mjml_layout": self._layout("mjml")} if any(map(is_mjml, bodies)) else {}
        shown = [document["layout"], *found.values(), *bodies] if bodies else []
        names = {name for text in shown for name in assets_in(text)}
        return found | ({"assets": served_names(self.folder / ASSETS, names)} if names else {})

    def _templates(self, channel: str, name: str) -> dict[str, str]:
        """Give the text of a template in each of its languages."""
        folder = self.folder / "templates" / channel
        found = {}
        drafts = [path for path in self._drafts if path.parent == folder]
        for path in sorted({*folder.glob(f"{name}*.j2"), *drafts}):
            match = TRANSLATION.fullmatch(path.name)
            if match and match["name"] == name:
                draft = self._drafts.get(path)
                found[match["language"] or OWN_LANGUAGE] = _read(path) if draft is None else draft
        if not found:
            raise NotFoundError(
                f"There is no template {name!r} for {channel}.",
                f"Add {folder / name}.j2, or drop the channel.",
            )
        return found

    def _layout(self, kind: str) -> str:
        path = self.folder / LAYOUTS[kind]
        text = _read(path) if path.exists() else {"html": CONTENT, "mjml": BARE_MJML}[kind]
        if CONTENT not in text:
            raise LibraryError(f"{path} does not say where the {CONTENT} goes.", "Add it once.")
        return text

    def _text(self, kind: str, name: str) -> str:
        path = self.folder / kind / f"{name}.yaml"
        if not NAME.fullmatch(name) or not path.is_file():
            known = ", ".join(self.names(kind)) or "none yet"
            raise NotFoundError(f"There is no {kind.rstrip('s')} {name!r}.", f"There is: {known}.")
        return _read(path)


def _refuse_vain(campaign: Campaign, file: YamlFile) -> None:
    """Refuse what would hold back nothing, or everything, without a word; a run that has stored it goes on."""
    known = (*contract_names("inbound"), *contract_names("published"))
    for each in campaign.stands_on:
        if each not in known:
            near = get_close_matches(each, known, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            file.refuse(
                ("stands_on",), f"no table {each!r} is checked{hint}", f"Name some of: {', '.join(known)}."
            )
    if campaign.daily_budget == 0:
        file.refuse(
            ("daily_budget",),
            "a budget of 0 lets no message go",
            "Write an amount above 0, or `shadow: true`.",
        )


@contextmanager
def _told_at(file: YamlFile, *place: str) -> Iterator[None]:
    """Tell of what a file names and there is not, with the line that names it."""
    try:
        yield
    except NotFoundError as error:
        file.refuse(place, error.message.rstrip("."), error.mend)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise LibraryError(f"{path} is larger than {LARGEST_FILE} bytes.", "Shorten it.")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LibraryError(f"{path} cannot be read as a text in UTF-8.", "Check the file.") from error
