"""The files that a delivery consists of, as they came: found, not empty, and hashed."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from data_contracts.errors import InputError
from pipelines.landing.manifest import file_sha256
from pipelines.sources.mailbox import MAIL, is_mail_file

COMPRESSED = (".gz", ".bz2", ".xz")  # behind a suffix, as in orders.csv.gz
ARCHIVE = ".zip"
CLUTTER = {"__macosx", "thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class Found:
    """A file, or a folder with its files in the order of their names; `sha256` names the content of all of them.

    Compressed files are still packed (`archives.unpacked` opens them), and `sha256` is that of what came. Of what was
    unpacked aside `came` says, path by path, how it came.
    """

    path: Path
    files: tuple[Path, ...]
    sha256: str
    came: Mapping[str, str] = field(default_factory=dict)


def find_files(path: Path, suffixes: Iterable[str]) -> Found:
    """Find what a path names. Of a folder the files with one of `suffixes` count, at any depth, packed or not.

    What systems leave in folders (.DS_Store, ._orders.csv, Thumbs.db) and hidden files are passed over.

    Raises InputError for a path that is not there, a folder without such files, and files that are empty.
    """
    if path.is_dir():
        return _folder(path, tuple(suffixes))
    if not path.is_file():
        raise InputError(f"There is no file {path}.", "Check the path.")
    _refuse_empty(path)
    return Found(path, (path,), file_sha256(path))


def subset(found: Found, files: tuple[Path, ...]) -> Found:
    """Take some of the files that were found as a delivery of their own; one alone goes by its own name and hash."""
    if files == found.files:
        return found
    if len(files) == 1:
        return Found(files[0], files, file_sha256(files[0]), found.came)
    return Found(found.path, files, _hash_of(found.path, files), found.came)


def _folder(path: Path, suffixes: tuple[str, ...]) -> Found:
    files = tuple(
        sorted(
            file
            for file in path.rglob("*")
            if file.is_file() and _counts(file, file.relative_to(path), suffixes)
        )
    )
    if not files:
        raise InputError(
            f"The folder {path} has no files that end in {' or '.join(suffixes)}.", "Check the folder."
        )
    for file in files:
        _refuse_empty(file)
    return Found(path, files, _hash_of(path, files))


def _hash_of(folder: Path, files: Iterable[Path]) -> str:
    names = "\n".join(f"{_place(file, folder)} {file_sha256(file)}" for file in files)
    return hashlib.sha256(names.encode()).hexdigest()


def _place(file: Path, folder: Path) -> str:
    """Say where in a folder a file lies; one that was unpacked aside goes by its name."""
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else file.name


def is_clutter(path: PurePath) -> bool:
    """Say whether a file is hidden, an office program's lock, or one that a system made for itself."""
    return any(part.startswith((".", "~$")) or part.lower() in CLUTTER for part in path.parts)


def _counts(file: Path, place: PurePath, suffixes: tuple[str, ...]) -> bool:
    if MAIL in suffixes and is_mail_file(file):  # some have no suffix, and a maildir hides its folders
        return not is_clutter(PurePath(file.name))
    return _fits(file, suffixes) and not is_clutter(place)


def _fits(path: Path, suffixes: tuple[str, ...]) -> bool:
    name = path.name.lower()
    for packed in COMPRESSED:
        name = name.removesuffix(packed)
    return name.endswith((*suffixes, ARCHIVE))


def _refuse_empty(path: Path) -> None:
    if path.stat().st_size == 0:
        raise InputError(f"The file {path} is empty.", "Export it again.")
