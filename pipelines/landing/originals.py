"""Files of which rows are set aside, kept as they came, so that a mended mapping can read them again.

Each delivery has a folder `quarantine/files/<its hash>/` with its files and a list of their names and hashes. It is whole or
not there, and goes when nothing of the delivery is set aside any more.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from data_contracts.errors import InputError
from messaging.settings import Settings
from pipelines.landing.durable import flush, write_json
from pipelines.landing.manifest import file_sha256, list_landings
from pipelines.landing.writer import quarantine_path

LIST = "files.json"
PART = ".part"
HASH = 64  # hex digits: a source may be called `files` too, and its tables have other names


def keep_original(settings: Settings, sha256: str, files: Sequence[Path]) -> None:
    """Keep the files of a delivery, unless they are kept already. The landing lock has to be held."""
    folder = _folder(settings, sha256)
    if folder.exists():
        return
    part = folder.with_name(f".{folder.name}{PART}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        hashes = {}
        for path, name in zip(files, _names(files), strict=True):
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, part / name)
            flush(part / name)
            hashes[name] = file_sha256(part / name)
        write_json(part / LIST, hashes)
        part.replace(folder)
        flush(folder.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def kept_files(settings: Settings, sha256: str) -> tuple[Path, ...]:
    """Give the kept files of a delivery in the order in which they came; none where it is not kept.

    Raises InputError where one of them is no longer what came.
    """
    folder = _folder(settings, sha256)
    if not folder.is_dir():
        return ()
    try:
        hashes = json.loads((folder / LIST).read_text())
        whole = all(file_sha256(folder / name) == sha for name, sha in hashes.items())
    except (OSError, ValueError, AttributeError):
        whole = False
    if not whole:
        raise InputError(
            f"The files kept in {folder} are not what came.",
            "Delete that folder and ingest the delivery again.",
        )
    return tuple(folder / name for name in hashes)


def tidy_originals(settings: Settings) -> None:
    """Remove the files of which nothing is set aside any more. The landing lock has to be held."""
    folder = settings.quarantine_dir / "files"
    kept = [path for path in folder.glob("*") if len(path.name.strip(".").removesuffix(PART)) == HASH]
    if not kept:
        return
    needed = {
        landing.file_sha256
        for landing in list_landings(settings)
        if quarantine_path(settings, landing).exists()
    }
    for path in kept:
        if path.name not in needed:
            _remove(path)


def _remove(folder: Path) -> None:
    """Rename first, so that a process that ends in between leaves no folder that looks whole."""
    gone = folder.with_name(f".{folder.name.strip('.').removesuffix(PART)}{PART}")
    if gone != folder:
        shutil.rmtree(gone, ignore_errors=True)
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _folder(settings: Settings, sha256: str) -> Path:
    return settings.quarantine_dir / "files" / sha256


def _names(files: Sequence[Path]) -> list[str]:
    """Name files below the folder that they share."""
    if len(files) == 1:
        return [files[0].name]
    root = _shared([path.parent for path in files])
    return [path.relative_to(root).as_posix() for path in files]


def _shared(folders: Sequence[Path]) -> Path:
    shared = folders[0]
    while not all(folder.is_relative_to(shared) for folder in folders):
        shared = shared.parent
    return shared
