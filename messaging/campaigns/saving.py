"""Files of the library written by an editor: whole or not at all, and only upon what that editor has read."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from data_contracts.errors import CampaignError, LibraryError, RefusedError, SegmentError
from messaging import audit
from messaging.campaigns.library import LARGEST_FILE, Library
from messaging.campaigns.model import NAME
from messaging.store import Store
from messaging.template_versions import text_hash


def save_campaign(  # noqa: PLR0913 - who writes what upon what
    library: Library, store: Store, name: str, text: str, *, read: str | None, actor: str, now: datetime
) -> str:
    """Write a campaign's file over the one whose hash its editor has read; give the hash of what stands there now.

    `read` is the SHA-256 of that text in hex, or None for a campaign that is new. What runs stays as it was approved.
    Raises CampaignError, NotFoundError, SegmentError or TemplateError where such a file could not be planned, and
    RefusedError where somebody else wrote it since it was read.
    """
    text = _acceptable("campaign", name, text, CampaignError)
    library.content(name, text).compiled(library.contract)
    path = library.folder / "campaigns" / f"{name}.yaml"
    stands = _as_read(path, read)
    with store.write() as connection:  # the file last: whatever fails before leaves it as it was
        audit.record(connection, actor, "campaign.save", name, {"hash": text_hash(text)}, at=now)
        save(path, text, expected=stands)
    return text_hash(text)


def save_segment(  # noqa: PLR0913 - who writes what upon what
    library: Library, store: Store, name: str, text: str, *, read: str | None, actor: str, now: datetime
) -> str:
    """Write a segment's file over the one whose hash its editor has read; give the hash of what stands there now.

    `read` is as for `save_campaign`. Runs keep the rules that were approved with them. Raises SegmentError where the file
    is no segment, or another would stand on itself with it, and RefusedError where somebody else wrote it since.
    """
    text = _acceptable("segment", name, text, SegmentError)
    library.segment(name, text)
    path = library.folder / "segments" / f"{name}.yaml"
    stands = _as_read(path, read)
    with store.write() as connection:
        audit.record(connection, actor, "segment.save", name, {"hash": text_hash(text)}, at=now)
        save(path, text, expected=stands)
    return text_hash(text)


def _acceptable(kind: str, name: str, text: str, error: type[LibraryError]) -> str:
    """Give the text of a file as it is written, once its name and its size are such as a file may have."""
    if not NAME.fullmatch(name):
        raise error(
            f"A {kind} cannot be named {name[:60]!r}.",
            "Use small letters, digits and _, at most 60, and begin with a letter or a digit.",
        )
    if len(text.encode()) > LARGEST_FILE:
        raise error(f"{kind.capitalize()} {name!r} is larger than {LARGEST_FILE} bytes.", "Shorten it.")
    return text.replace("\r\n", "\n").replace("\r", "\n")  # as browsers send it; a file is read without them


def _as_read(path: Path, read: str | None) -> str | None:
    """Give what stands in a file, None where there is none. Raises RefusedError where that is not what was read."""
    stands = path.read_text(encoding="utf-8") if path.exists() else None
    if (text_hash(stands) if stands is not None else None) != read:
        raise _changed(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return stands


def save(path: Path, text: str, *, expected: str | None) -> None:
    """Write a file whole or not at all, if it still holds what its editor read (None: there was no file).

    Raises RefusedError where somebody else changed it meanwhile. A process that dies here leaves the file as it was.
    """
    with _alone(path.parent):
        stands = path.read_text(encoding="utf-8") if path.exists() else None
        if stands != expected:
            raise _changed(path)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


def _changed(path: Path) -> RefusedError:
    return RefusedError(
        f"{path.name} was changed by somebody else since you read it; nothing was written.",
        "Read it again, and do it upon what stands there now.",
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one editor at a time look and write in a folder, of this machine."""
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
