"""A stream: one list that a pull asks for, with a watermark of its own."""

import os
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import assert_never

from messaging.settings import Settings
from pipelines.pulls.deliveries import Batch
from pipelines.pulls.files import ImapPull, Pull, RestPull, SqlPull
from pipelines.pulls.marks import Form, Mark, Overlap, mark_of_column, read_mark
from pipelines.pulls.words import span_of


@dataclass(frozen=True)
class Stream:
    """Reads what is new: `read` takes the mark to begin at, or None for everything.

    `asked` and `keys` name the other side and the secrets in sentences; `begin` is where a first run begins.
    """

    name: str
    asked: str
    keys: tuple[str, ...]
    overlap: Overlap
    begin: Mark | None
    tables: tuple[str, ...]
    form: Form
    read: Callable[[Mark | None], Generator[Batch, None, None]]


def open_streams(settings: Settings, pull: Pull) -> list[Stream]:
    """Build the streams of a pull; nothing is asked yet. Raises SettingsError where a secret is not set."""
    plan = pull.plan
    with _quiet_dlt():
        if isinstance(plan, RestPull):
            from pipelines.pulls.rest import rest_streams

            return rest_streams(settings, plan)
        if isinstance(plan, SqlPull):
            from pipelines.pulls.sql import sql_stream

            return [sql_stream(settings, plan)]
    if isinstance(plan, ImapPull):
        from pipelines.pulls.imap import imap_stream

        return [imap_stream(settings, plan)]
    assert_never(plan)


def overlap_of(value: str | int) -> Overlap:
    """Read an overlap: a length of time, or a distance of numbers."""
    return value if isinstance(value, int) else span_of(value)


def begin_of(value: datetime | date | int | str | None, form: Form) -> Mark | None:
    """Read where a first run begins."""
    return mark_of_column(value) if isinstance(value, datetime | date) else read_mark(value, form)


@contextmanager
def _quiet_dlt() -> Iterator[None]:
    """Import dlt (1.5 CPU s) without its telemetry, its log and the deprecations of what it stands on."""
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
