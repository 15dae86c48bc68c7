"""The seal of a file that may be written again: a small file beside it that says which contents are ours.

A flipped bit in a parquet file reads as other values, silently, so it is read only where its seal names its hash. The seal
is written before and after the file, so that a process that ends in between leaves a file that is still sealed.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_contracts.errors import InputError
from pipelines.landing.durable import whole_file, write_json
from pipelines.landing.manifest import file_sha256

SUFFIX = ".seal.json"
GONE = ""  # the content of a file that is to be deleted


def seal_path(path: Path) -> Path:
    """Where the seal of a file lies: beside it."""
    return path.with_name(path.stem + SUFFIX)


@contextmanager
def sealed_file(path: Path) -> Iterator[Path]:
    """Give a path to write to, as `whole_file` does; the file is sealed when the block ends well."""
    before = _contents(path) or []
    with whole_file(path) as part:
        yield part
        content = file_sha256(part)
        write_json(seal_path(path), [*before, content])
    write_json(seal_path(path), [content])


def delete_sealed(path: Path) -> None:
    """Delete a file and its seal."""
    write_json(seal_path(path), [*(_contents(path) or []), GONE])
    path.unlink(missing_ok=True)
    seal_path(path).unlink()


def check_seal(path: Path, *, needed: bool) -> None:
    """Check that a file has one of the contents that its seal names. Where it is not `needed`, it may have no seal.

    Raises InputError where it is missing or differs.
    """
    contents = _contents(path)
    if contents is None and not needed:
        return
    content = file_sha256(path) if path.exists() else GONE
    if contents is None or content not in contents:
        raise InputError(f"The file {path} is not what was written: its hash differs.")


def _contents(path: Path) -> list[str] | None:
    """Read a seal; None where there is none. A damaged one names nothing."""
    try:
        document = json.loads(seal_path(path).read_text())
        return [str(item) for item in document]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        return []
