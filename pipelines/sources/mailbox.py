"""Mails out of an mbox file or .eml files, as bytes, in the order in which they lie there."""

from collections.abc import Iterator
from pathlib import Path

from data_contracts.errors import InputError

EML = ".eml"
MBOX_SUFFIXES = (".mbox", ".mbx", "")


def read_messages(path: Path) -> Iterator[bytes]:
    """Give each mail of a file. Raises InputError where the file is neither an mbox nor a mail."""
    with path.open("rb") as file:
        first = file.readline()
    if first.startswith(b"From "):
        yield from _mbox(path)
    elif _is_header(first):
        yield path.read_bytes()
    else:
        raise InputError(
            f"The file {path} is no mail: it begins neither with a header nor with 'From '.",
            "Give an mbox file, an .eml file or a folder with .eml files.",
        )


def _mbox(path: Path) -> Iterator[bytes]:
    """Split at lines that begin with `From ` after an empty line; undo the `>` that guards such lines in a body."""
    lines: list[bytes] = []
    blank = True
    with path.open("rb") as file:
        for line in file:
            if blank and line.startswith(b"From "):
                if lines:
                    yield b"".join(lines)
                lines = []
            else:
                lines.append(
                    line[1:] if line.startswith(b">") and line.lstrip(b">").startswith(b"From ") else line
                )
            blank = not line.strip()
    if not blank:
        raise InputError(
            f"The mailbox {path} does not end with an empty line, so its last mail may be cut off.",
            "Export it again.",
        )
    if lines:
        yield b"".join(lines)


def _is_header(line: bytes) -> bool:
    name, colon, _ = line.partition(b":")
    return bool(colon) and bool(name) and all(33 <= byte <= 126 for byte in name)
