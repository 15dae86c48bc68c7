"""Which files of the library use which column of customer_360: segments, templates, and the campaigns made of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import TemplateError as JinjaError
from jinja2 import meta

from data_contracts.places import Document
from messaging.campaigns import SHIPPED
from messaging.rendering.environment import make_environment

SUFFIXES = {".yaml", ".j2"}


@dataclass(frozen=True)
class LibraryUses:
    """The files that use a column, by their paths in the library."""

    segments: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()


def library_uses(folder: Path, columns: set[str]) -> LibraryUses:
    """Find the files that use any of the columns; the shipped library where the installation has none yet.

    Files are read as they are, without the checks of the library: they may use a column that the contract has no more.
    """
    home = folder if folder.is_dir() else SHIPPED
    segments = [path for path in sorted(home.glob("segments/*.yaml")) if _segment_columns(path) & columns]
    templates = [path for path in sorted(home.glob("templates/*/*.j2")) if _template_names(path) & columns]
    named = {path.stem for path in segments}
    written = {path.name.split(".")[0] for path in templates}
    campaigns = [
        path
        for path in sorted(home.glob("campaigns/*.yaml"))
        if (about := _mapping(path)).get("segment") in named or about.get("template") in written
    ]
    return LibraryUses(
        *(tuple(str(path.relative_to(home)) for path in paths) for paths in (segments, templates, campaigns))
    )


def _segment_columns(path: Path) -> set[str]:
    return set(_columns(_mapping(path).get("where")))


def _columns(rule: Any) -> Iterator[str]:
    """Walk a tree of rules for the columns in it."""
    if isinstance(rule, dict):
        if isinstance(rule.get("column"), str):
            yield rule["column"]
        for part in rule.values():
            yield from _columns(part)
    elif isinstance(rule, list):
        for part in rule:
            yield from _columns(part)


def _template_names(path: Path) -> set[str]:
    """Give the names that a template is filled from; its head holds templates too (the subject)."""
    try:
        tree = make_environment(html=False).parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, JinjaError):
        return set()
    return set(meta.find_undeclared_variables(tree))


def _mapping(path: Path) -> dict[str, Any]:
    try:
        found = Document(path.read_text(encoding="utf-8")).values
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}
