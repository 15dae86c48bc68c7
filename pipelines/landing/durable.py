"""Files that are either whole or not there: written beside their place, flushed to disk, then renamed."""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from data_contracts.errors import InputError

PART = ".part"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# how DuckDB 2.0 says the same: the system's words, and its own when it may put no more of its memory on the disk
FULL_SIGNS = (*map(os.strerror, sorted(FULL)), "max_temp_directory_size", "failed to offload data block")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a path to write to; it becomes `path` when the block ends well, and goes away when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}{PART}")
    try:
        yield part
        flush(part)
        part.replace(path)
        flush(path.parent)
    finally:
        part.unlink(missing_ok=True)


def write_json(path: Path, document: object) -> None:
    """Write a JSON document, whole or not at all."""
    with whole_file(path) as part:
        part.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def telling_of_full_disk(*file_names: str) -> Iterator[None]:
    """Say that the disk is full, where it is, and that nothing of these files has landed."""
    try:
        yield
    except (OSError, duckdb.Error) as error:
        if not _is_full(error):
            raise
        raise InputError(
            f"The disk is full: nothing of {', '.join(file_names)} has landed.",
            "Make room below RAPPORT_HOME, then ingest again.",
        ) from error


def _is_full(error: OSError | duckdb.Error) -> bool:
    if isinstance(error, OSError):
        return error.errno in FULL
    return any(sign in str(error) for sign in FULL_SIGNS)


def flush(path: Path) -> None:
    """Have a file, or a folder's list of files, lie on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
