"""The pointer `current.json`: which release stands.

It is replaced by one rename, so a reader sees the old one or the new one.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

POINTER = "current.json"
SCHEMA_VERSION = "1"  # of the published tables' shape


@dataclass(frozen=True)
class Pointer:
    """The release that stands. Times are naive UTC; `sha256` is of the whole file.

    `parts` releases in a row were written by people; the one that was written whole had `whole_rows` in `whole_bytes`.
    `card_form` tells cards apart that were written in another form.
    """

    version: str
    file: str
    as_of: datetime
    built_at: datetime
    schema_version: str
    row_counts: Mapping[str, int]
    sha256: str
    parts: int = 0
    whole_bytes: int = 0
    whole_rows: int = 0
    card_form: str = ""

    def to_document(self) -> dict[str, Any]:
        """Give the pointer as plain data."""
        times = {"as_of": self.as_of.isoformat(), "built_at": self.built_at.isoformat()}
        return {**asdict(self), "row_counts": dict(self.row_counts), **times}


def read_pointer(folder: Path) -> Pointer | None:
    """Read the pointer of a folder of releases; None when nothing was published, or it is not readable."""
    try:
        document = json.loads((folder / POINTER).read_text())
        document["as_of"] = datetime.fromisoformat(document["as_of"])
        document["built_at"] = datetime.fromisoformat(document["built_at"])
        return Pointer(**document)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_pointer(folder: Path, pointer: Pointer) -> None:
    """Let `pointer` stand from now on: written aside, synced, renamed, and the folder synced."""
    aside = folder / f"{POINTER}.tmp"
    aside.write_text(json.dumps(pointer.to_document(), indent=2) + "\n")
    sync(aside)
    aside.replace(folder / POINTER)
    sync(folder)


def sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_sha256(path: Path) -> str:
    """Hash a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
