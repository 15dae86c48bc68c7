"""The files of an installation's library, filled from the shipped ones and checked as they are read."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from data_contracts.contracts import published_contract
from data_contracts.errors import CampaignError, LibraryError, NotFoundError
from data_contracts.model import Contract
from data_contracts.yaml_files import YamlFile
from messaging.campaigns.content import Content, read_content, read_named_segment
from messaging.campaigns.files import read_campaign
from messaging.campaigns.model import NAME, PREFERRED, Campaign
from messaging.rendering.templates import CONTENT, LANGUAGE, LAYOUT, OWN_LANGUAGE, Channel
from messaging.segments import Segment, named_in
from messaging.settings import Settings

SHIPPED = Path(__file__).parents[1] / "library"
TRANSLATION = re.compile(rf"(?P<name>[a-z0-9_]+)(\.(?P<language>{LANGUAGE}))?\.j2")
LARGEST_FILE = 100_000  # bytes


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
        return read_named_segment(name, lambda each: self._text("segments", each), self.contract)

    def campaign(self, name: str) -> Campaign:
        """Read a campaign. Raises NotFoundError or CampaignError."""
        return read_campaign(name, self._text("campaigns", name))

    def content(self, name: str, text: str | None = None) -> Content:
        """Read a campaign with its segment and templates, as one document; `text` as if it stood in its file."""
        text = self._text("campaigns", name) if text is None else text
        campaign = read_campaign(name, text)
        file = YamlFile(f"Campaign {name!r}", text, CampaignError)
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
