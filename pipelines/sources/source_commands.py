"""`rapport sources`, and what `rapport ingest --suggest-map` prints."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_contracts.errors import UsageError

if TYPE_CHECKING:
    from pipelines.sources.catalogue import Shape
    from pipelines.sources.suggestion import Suggestion

WIDEST = 40  # signs of a cell that are shown


def sources(
    *,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table of docs/sources.md.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List what can be read: every source, its shapes, the tables that they fill, and where such files come from."""
    from messaging.settings import read_settings
    from messaging.terminal import emit
    from pipelines.sources.catalogue import as_markdown, list_shapes

    if markdown:
        sys.stdout.write(as_markdown(list_shapes()))
        return
    shapes = list_shapes(read_settings())
    document = {"sources": [shape.to_document() for shape in shapes]}
    emit(document, as_json=as_json, human=lambda: _tell_sources(shapes))


def suggest_map(table: str, paths: Sequence[Path], *, named: bool, as_json: bool) -> None:
    """Propose a mapping for one file: YAML on standard output, what it does on standard error."""
    from messaging.clock import read_clock
    from messaging.settings import read_settings
    from messaging.terminal import emit, progress
    from pipelines.sources.suggestion import suggest

    if named:
        raise UsageError("--suggest-map makes a mapping and takes none.", "Leave --map away.")
    if len(paths) != 1:
        raise UsageError("--suggest-map looks at one file.", "Name one: a mapping is for files of one shape.")
    settings = read_settings()
    with progress(f"Looking at {paths[0].name}"):
        suggestion = suggest(settings, read_clock(settings.home), table, paths[0])
    emit(suggestion.to_document(), as_json=as_json, human=lambda: _tell_suggestion(suggestion))


def _tell_sources(shapes: "Sequence[Shape]") -> None:
    from rich.markup import escape

    from messaging.terminal import say

    for place, shape in enumerate(shapes):
        if place == 0 or shapes[place - 1].source != shape.source:
            say(f"[bold]{shape.source}[/bold]")
        said = " ".join(text for text in (shape.description, shape.where) if text)
        say(f"  {shape.name} -> {shape.table}: {escape(said)}")
        say(f"      {shape.command}" + (f"  ({escape(shape.marks)})" if shape.marks else ""))


def _tell_suggestion(suggestion: "Suggestion") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(stderr=True, highlight=False, markup=False)
    table = Table()
    table.add_column("column", no_wrap=True)
    for place in range(1, len(suggestion.shown) + 1):
        table.add_column(f"row {place}", no_wrap=True, overflow="ellipsis", max_width=WIDEST)
    for column in suggestion.shown[0] if suggestion.shown else ():
        table.add_row(column, *(_one_line(row[column]) for row in suggestion.shown))
    console.print(table)
    console.print(
        f"Of the first {suggestion.tried:,} of {suggestion.rows:,} rows {suggestion.accepted:,} would be accepted,"
        f" {suggestion.quarantined:,} set aside, {suggestion.already_landed:,} stand there twice."
    )
    for rule, count in suggestion.reasons.items():
        console.print(f"  {count:,} x {rule}: {suggestion.sentences[rule]}")
    if suggestion.looks_like:
        console.print(f"The file looks more like {suggestion.looks_like} than like {suggestion.table}.")
    sys.stderr.flush()
    sys.stdout.write(suggestion.yaml)


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())
