"""Files whose last line has no end: some tools write none, and then only a person can say that nothing was cut off."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.sources.encodings import marked_encoding
from pipelines.sources.files import Found
from pipelines.sources.records import CSV_SUFFIXES


@contextmanager
def completed(found: Found) -> Iterator[Found]:
    """Give what was found with a line break behind the last line of each table of text, for as long as the block runs.

    Nothing is changed where the files lie; a delivery is known again by what came and not by what was added.
    """
    with TemporaryDirectory(prefix="rapport-") as folder:
        came = dict(found.came)
        files = tuple(
            _completed(path, Path(folder) / str(place), came) for place, path in enumerate(found.files)
        )
        yield replace(found, files=files, came=came)


def _completed(path: Path, room: Path, came: dict[str, str]) -> Path:
    if path.suffix.lower() not in CSV_SUFFIXES or _has_an_end(path):
        return path
    room.mkdir()
    whole = room / path.name
    shutil.copyfile(path, whole)
    with whole.open("ab") as file:
        file.write("\n".encode(_encoding(path)))
    came[str(whole)] = came.get(str(path), str(path))
    return whole


def _has_an_end(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-4, 2) if path.stat().st_size > 4 else file.seek(0)
        end = file.read().replace(b"\x00", b"")  # UTF-16 and UTF-32 write a zero beside each sign
    return end.endswith((b"\n", b"\r"))


def _encoding(path: Path) -> str:
    """Name the encoding of a line break: without the mark, which only begins a file."""
    with path.open("rb") as file:
        big = file.read(4).startswith((b"\xfe\xff", b"\x00\x00\xfe\xff"))
    marked = marked_encoding(path)
    return f"{marked}-{'be' if big else 'le'}" if marked.startswith(("utf-16", "utf-32")) else "ascii"
