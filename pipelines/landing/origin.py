"""How a landed file was read, so that it can be read again and its columns compared with those of the next one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Origin:
    """The source that was asked for, the mapping that was named with it, the part, and what the file had.

    `part` names which of the things that the file gave this is: a mapping, or our own reader. `columns` are those of the
    file's header, or the keys of its objects.
    """

    asked: str = ""
    mapping: str = ""
    part: str = ""
    columns: tuple[str, ...] = ()


def read_origin(document: Mapping[str, Any]) -> Origin:
    """Read an origin from a manifest; those of older versions have none."""
    return Origin(**{**document, "columns": tuple(document.get("columns", ()))})
