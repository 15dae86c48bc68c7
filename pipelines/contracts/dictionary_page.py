"""The data dictionary as one HTML page. It holds words and shares, and no row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

from pipelines.contracts.dictionary import VIEW, Entry
from pipelines.contracts.html import draw_page, write_whole

PAGE = "dictionary.html"
TEMPLATE = "dictionary.html.j2"
MOST_ORIGINS = 6  # of one column; the table data_dictionary has all


@dataclass(frozen=True)
class TableView:
    """A table as the page shows it."""

    name: str
    title: str
    description: str
    entries: tuple[Entry, ...]


def write_dictionary_page(
    folder: Path, version: str, as_of: datetime, about: Mapping[str, str], entries: Iterable[Entry]
) -> Path:
    """Write the page, in the place of the one before. `about` says of each table what it is; gives the page's path."""
    path = folder / PAGE
    write_whole(path, render_dictionary(version, as_of, about, entries))
    return path


def render_dictionary(
    version: str, as_of: datetime, about: Mapping[str, str], entries: Iterable[Entry]
) -> str:
    """Draw the page: the view of customers first, then the others as they are published."""
    views = [
        TableView(table, table.replace("_", " ").capitalize(), about[table], tuple(found))
        for table, found in groupby(entries, key=lambda entry: entry.table)
    ]
    views.sort(key=lambda view: view.name != VIEW)
    return draw_page(
        TEMPLATE,
        version=version,
        as_of=as_of,
        views=views,
        most=MOST_ORIGINS,
        columns=sum(len(view.entries) for view in views),
        personal=sum(entry.classification != "internal" for view in views for entry in view.entries),
        kept=sum(entry.has_history for view in views if view.name == VIEW for entry in view.entries),
        made={
            (entry.table, entry.column): _made_of(entry.made_of) for view in views for entry in view.entries
        },
    )


def _made_of(origins: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Group `table.column` by column: a name that twenty tables give is said once."""
    found: dict[str, list[str]] = {}
    for origin in origins:
        table, _, column = origin.partition(".")
        found.setdefault(column, []).append(table)
    return sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
