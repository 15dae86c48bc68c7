"""Pictures of mails: files of the library, served under a name that says what is in them, so that a mail keeps its own."""

import hashlib
import os
import re
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from data_contracts.errors import LibraryError, RefusedError

KINDS = {".png": b"\x89PNG\r\n\x1a\n", ".jpg": b"\xff\xd8\xff", ".jpeg": b"\xff\xd8\xff", ".gif": b"GIF8"}
LARGEST = 1_000_000  # bytes; what is larger loads slowly where readers are, and nobody waits for it
SERVED = re.compile(r"[0-9a-f]{32}\.(png|jpg|jpeg|gif)", re.ASCII)


def served_names(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Give by the name of each picture that there is in a folder the one that it is served under. Raises LibraryError."""
    return {name: _served(folder / name) for name in sorted(set(names)) if (folder / name).is_file()}


def publish(folder: Path, served: Path, assets: Mapping[str, str]) -> None:
    """Copy pictures to where they are served from, and leave what is there: mails of before show it.

    Raises RefusedError where one has become another since its name was given.
    """
    for name, as_name in assets.items():
        target = served / as_name
        if target.exists():
            continue
        if _served(folder / name) != as_name:
            raise RefusedError(f"The picture {name!r} has changed just now.", "Do it again.")
        write_once(target, (folder / name).read_bytes())


def write_once(target: Path, content: bytes) -> None:
    """Write a file whose name says what is in it, whole or not at all; one that is there stays."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}")
    draft.write_bytes(content)
    draft.replace(target)


def _served(path: Path) -> str:
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise LibraryError(f"{path} is no picture for a mail.", f"Save it as {', '.join(KINDS)}.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LibraryError(f"{path} cannot be read: {error.strerror}.", "Check the file.") from None
    if len(content) > LARGEST:
        raise LibraryError(f"{path} has more than {LARGEST:,} bytes.", "Make it smaller.")
    if not content.startswith(KINDS[kind]):
        raise LibraryError(f"{path} is not what its name says.", f"Save it as {kind}.")
    return hashlib.sha256(content).hexdigest()[:32] + kind
