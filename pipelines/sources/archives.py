"""Compressed files and archives, unpacked aside for as long as they are read: .gz, .bz2, .xz, and .zip as a folder.

What comes out is bounded, stays in its own folder, and is never unpacked again: an archive in an archive is refused.
"""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, Any

from data_contracts.errors import InputError
from pipelines.sources.files import ARCHIVE, COMPRESSED, Found, is_clutter

OPEN: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
ARCHIVES = (*COMPRESSED, ARCHIVE)
OTHERS = (".tar", ".tgz", ".tbz2", ".txz", ".7z", ".rar", ".zst")  # not read, whether inside or outside
MAGIC = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ\x00", b"7z\xbc\xaf", b"Rar!")
BROKEN = (OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, ValueError)
MEGABYTE = 1 << 20
# Exports shrink to a tenth, and the same line a million times to a 500th (gzip -9, 2026-11-22). Bombs do much better.
RATIO = 600
ALWAYS_FINE = 64 * MEGABYTE
MOST_FILES = 5000


@dataclass(frozen=True)
class _Budget:
    """How much an archive may unpack to, in bytes."""

    archive: Path
    limit: int
    megabytes: int

    def check(self, done: int) -> None:
        packed = max(self.archive.stat().st_size, 1)
        if done > self.limit:
            raise InputError(
                f"The file {self.archive} unpacks to more than {self.megabytes:,} MB.",
                "Send it in parts, or raise RAPPORT_MAX_FILE_MB if you trust it.",
            )
        if done > ALWAYS_FINE and done > RATIO * packed:
            raise InputError(
                f"The file {self.archive} unpacks to more than {RATIO} times its size, as a bomb does.",
                "Unpack it by hand if you trust it.",
            )


@contextmanager
def unpacked(found: Found, suffixes: Sequence[str], max_file_mb: int) -> Iterator[Found]:
    """Give what was found with every compressed file unpacked, for as long as the block runs.

    Of a .zip the files with one of `suffixes` count. The sentence of an InputError that the block raises names the file
    as it came. Raises InputError for what cannot be unpacked whole.
    """
    if not any(_kind(path) for path in found.files):
        yield found
        return
    with TemporaryDirectory(prefix="rapport-") as folder:
        room = Path(folder)
        came: dict[str, str] = {}
        files = [
            file
            for place, path in enumerate(found.files)
            for file in _open(path, room / str(place), tuple(suffixes), max_file_mb, came)
        ]
        if not files:
            raise InputError(
                f"The archive {found.path} has no files that end in {' or '.join(suffixes)}.",
                "Is it the right one?",
            )
        try:
            yield replace(found, files=tuple(files), came=came)
        except InputError as error:
            error.message = as_came(error.message, came)
            raise


def as_came(text: str, came: Mapping[str, str]) -> str:
    """Name in a text what was unpacked aside as it came: orders.csv in export.zip is export.zip/orders.csv."""
    for aside, name in came.items():
        text = text.replace(aside, name)
    return text


def _open(
    path: Path, room: Path, suffixes: tuple[str, ...], max_file_mb: int, came: dict[str, str]
) -> Iterator[Path]:
    kind = _kind(path)
    budget = _Budget(path, max_file_mb * MEGABYTE, max_file_mb)
    try:
        if kind == ARCHIVE:
            came[str(room)] = str(path)
            yield from _unzip(path, room, suffixes, budget)
        elif kind:
            file = room / path.name[: -len(kind)]
            came[str(file)] = str(path)
            yield _decompress(path, file, budget)
        else:
            yield path
    except BROKEN as error:
        raise InputError(
            f"The archive {path} is not whole ({str(error).replace(str(room), path.name) or 'it breaks off'}).",
            "It may have been cut off: export it again.",
        ) from None


def _kind(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix in OTHERS:
        raise InputError(
            f"The file {path} is a {suffix} archive, which is not read.", "Unpack it, or make it a .zip."
        )
    return suffix if suffix in ARCHIVES else ""


def _decompress(path: Path, file: Path, budget: _Budget) -> Path:
    _refuse_nested(path, file.name, b"")
    file.parent.mkdir()
    with OPEN[_kind(path)](path, "rb") as packed:
        _copy(packed, file, path, budget, 0)
    return file


def _unzip(path: Path, room: Path, suffixes: tuple[str, ...], budget: _Budget) -> Iterator[Path]:
    done = 0
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        _refuse_crowd(path, [member.filename for member in members])
        for member in sorted(members, key=lambda member: member.filename):
            inside = PurePosixPath(member.filename.replace("\\", "/"))
            _refuse_outside(path, inside)
            if is_clutter(inside):
                continue
            _refuse_nested(path, member.filename, b"")
            if inside.suffix.lower() not in suffixes:
                continue
            if member.flag_bits & 1:
                raise InputError(
                    f"The archive {path} is locked with a password.", "Unpack it, or make one without."
                )
            file = room / inside
            file.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as packed:
                done = _copy(packed, file, path, budget, done)
            yield file


def _copy(packed: IO[bytes], file: Path, archive: Path, budget: _Budget, done: int) -> int:
    """Write what a stream unpacks to; gives how many bytes came out of the archive so far."""
    with file.open("wb") as target:
        while chunk := packed.read(MEGABYTE):
            if target.tell() == 0:
                _refuse_nested(archive, "", chunk)
            done += len(chunk)
            budget.check(done)
            target.write(chunk)
        if target.tell() == 0:
            raise InputError(f"The file {file.name} in {archive} is empty.", "Export it again.")
    return done


def _refuse_nested(archive: Path, name: str, start: bytes) -> None:
    if name.lower().endswith((*ARCHIVES, *OTHERS)) or start.startswith(MAGIC):
        raise InputError(
            f"The archive {archive} has another archive in it.", "Unpack the outer one and try again."
        )


def _refuse_crowd(archive: Path, names: list[str]) -> None:
    if len(names) > MOST_FILES:
        raise InputError(f"The archive {archive} holds {len(names):,} files.", "Send it in parts.")
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise InputError(f"The archive {archive} holds the name {twice} twice.", "Export it again.")


def _refuse_outside(archive: Path, inside: PurePosixPath) -> None:
    if not inside.parts or inside.is_absolute() or ".." in inside.parts or ":" in inside.parts[0]:
        raise InputError(
            f"The archive {archive} holds a name that leads out of it.",
            "It was not made by an export: do not trust it.",
        )
