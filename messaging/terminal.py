"""How commands speak: one JSON document for machines, words and bars for people."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # a line may end


def emit(document: Any, *, as_json: bool, human: Callable[[], None]) -> None:
    """Print a result: as exactly one JSON document on standard output, or by calling `human`."""
    if as_json:
        sys.stdout.write(json.dumps(document, indent=2, default=_plain, ensure_ascii=False) + "\n")
    else:
        human()


def say(text: str = "") -> None:
    """Print a line for a person on standard output; rich markup such as [bold] works."""
    Console(highlight=False, soft_wrap=True).print(text)


def plain(text: str) -> str:
    """Make words of others fit for `say`: nothing in them is markup, and nothing commands the terminal."""
    return escape(CONTROLS.sub(" ", text))


@contextmanager
def progress(description: str, total: float | None = None) -> Iterator[Callable[[float], None]]:
    """Show a bar on standard error while the block runs, on a terminal only; call what it gives to advance it."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(description, total=total)
        yield lambda amount: bar.advance(task, amount)


@contextmanager
def counting(description: str, total: float | None = None) -> Iterator[Callable[[float, str], None]]:
    """Show a bar with words behind it, as `progress` does; call what it gives with how far it got and the new words."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    told = TextColumn("{task.fields[told]}")
    with Progress(*columns, told, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(description, total=total, told="")
        yield lambda done, words: bar.update(task, completed=done, told=words)


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a JSON document")
