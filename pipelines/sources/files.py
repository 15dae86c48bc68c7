"""The files that a delivery consists of: found, not empty, and hashed."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from data_contracts.errors import InputError
from pipelines.landing.manifest import file_sha256


@dataclass(frozen=True)
class Found:
    """A file, or a folder with its files in the order of their names; `sha256` names the content of all of them."""

    path: Path
    files: tuple[Path, ...]
    sha256: str


def find_files(path: Path, suffixes: Iterable[str]) -> Found:
    """Find what a path names. Of a folder the files with one of `suffixes` count, at any depth.

    Raises InputError for a path that is not there, a folder without such files, and files that are empty.
    """
    if path.is_dir():
        return _folder(path, tuple(suffixes))
    if not path.is_file():
        raise InputError(f"There is no file {path}.", "Check the path.")
    _refuse_empty(path)
    return Found(path, (path,), file_sha256(path))


def _folder(path: Path, suffixes: tuple[str, ...]) -> Found:
    files = tuple(
        sorted(file for file in path.rglob("*") if file.is_file() and file.suffix.lower() in suffixes)
    )
    if not files:
        raise InputError(
            f"The folder {path} has no files that end in {' or '.join(suffixes)}.", "Check the folder."
        )
    for file in files:
        _refuse_empty(file)
    names = "\n".join(f"{file.relative_to(path)} {file_sha256(file)}" for file in files)
    return Found(path, files, hashlib.sha256(names.encode()).hexdigest())


def _refuse_empty(path: Path) -> None:
    if path.stat().st_size == 0:
        raise InputError(f"The file {path} is empty.", "Export it again.")
