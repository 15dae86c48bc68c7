"""Every source that can be read: its shapes, the tables that they fill, and where a company gets such files from."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from messaging.settings import Settings
from pipelines.sources.files import ARCHIVE, COMPRESSED
from pipelines.sources.mailbox import SUFFIXES as MAIL_SUFFIXES
from pipelines.sources.mapping import Mapping, load_mapping, mapping_names
from pipelines.sources.records import CSV_SUFFIXES, JSON_SUFFIXES, PARQUET_SUFFIXES

MAIL = "mail"
SENTENCE = re.compile(r"(?<=[.!?:])\s")


@dataclass(frozen=True)
class Shape:
    """One kind of file of a source.

    `marks` are what tells it, empty where it has to be named with --map. `where` says where it comes from, as the comment
    at the beginning of the mapping file does. `own` says that it is the company's own mapping.
    """

    source: str
    name: str
    table: str
    description: str
    where: str
    marks: str
    suffixes: tuple[str, ...]
    own: bool = False

    @property
    def command(self) -> str:
        """Give the command that reads such a file."""
        if self.marks or self.name == MAIL:
            return f"rapport ingest {self.source} FILE"
        return f"rapport ingest {self.table} FILE --map {self.name}"

    def to_document(self) -> dict[str, object]:
        """Give the shape as plain data."""
        return {**asdict(self), "suffixes": list(self.suffixes), "command": self.command}


def list_shapes(settings: Settings | None = None) -> list[Shape]:
    """List what is shipped, and with settings the company's own mappings too; by source and name."""
    own = settings.mappings_dir if settings else None
    mappings = (load_mapping(name, own) for name in mapping_names(own))
    shapes = [_shape(mapping, own) for mapping in mappings]
    return sorted([*shapes, _mail()], key=lambda shape: (shape.source, shape.name))


def packed_suffixes() -> tuple[str, ...]:
    """Name the endings of files that are unpacked first."""
    return (*COMPRESSED, ARCHIVE)


def as_markdown(shapes: Iterable[Shape]) -> str:
    """Write the table of docs/sources.md."""
    lines = ["| source | shape | table | what it is, and where it comes from |", "|---|---|---|---|"]
    for shape in shapes:
        said = " ".join(text for text in (shape.description, shape.where) if text).replace("|", "\\|")
        told = "" if shape.marks or shape.name == MAIL else " (`--map`)"
        lines.append(f"| `{shape.source}` | `{shape.name}`{told} | `{shape.table}` | {said} |")
    return "\n".join(lines) + "\n"


def _mail() -> Shape:
    return Shape(
        MAIL, MAIL, "email_messages", "Mailboxes and single mails.",
        "Export a folder of your mail program, or fetch it by IMAP.", "", tuple(MAIL_SUFFIXES),
    )  # fmt: skip


def _shape(mapping: Mapping, own: Path | None) -> Shape:
    document = yaml.load(mapping.path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - only text
    recognise = mapping.recognise
    json = mapping.kind == "json" or bool(recognise and recognise.keys)
    return Shape(
        source=mapping.source,
        name=mapping.name,
        table=mapping.table,
        description=str(document.get("description", "")),
        where=_comment(mapping.path),
        marks=str(recognise) if recognise else "",
        suffixes=JSON_SUFFIXES if json else CSV_SUFFIXES + PARQUET_SUFFIXES,
        own=own is not None and mapping.path.parent == own,
    )


def _comment(path: Path) -> str:
    """Give the first sentence of the comment at the beginning of a file."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# "))
    first = SENTENCE.split(" ".join(lines))[0].rstrip(":")
    return first if not first or first.endswith(".") else f"{first}."
