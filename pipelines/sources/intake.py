"""Takes files in: found, read by their reader, judged and landed; each file whole or not at all."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_contracts.errors import InputError
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing.judging import Counts
from pipelines.landing.staging import Delivery, open_stage
from pipelines.landing.writer import Landed, find_landing, land, landings_of, repeated_counts
from pipelines.sources.files import Found, find_files
from pipelines.sources.readers import Reader, find_reader


@dataclass(frozen=True)
class FileReport:
    """What became of one file, or of one folder that came as a whole."""

    path: Path
    landing_id: str
    repeated: bool
    counts: Counts

    def to_document(self) -> dict[str, object]:
        """Give the report as plain data."""
        numbers = {name: getattr(self.counts, name) for name in IngestReport.NUMBERS}
        return {"path": str(self.path), "landing_id": self.landing_id, "repeated": self.repeated, **numbers}


@dataclass(frozen=True)
class IngestReport:
    """What an ingest did. rows_in = accepted + quarantined + already_landed; `changed` is a part of `accepted`.

    `reasons` counts the broken rules of the rows set aside now; a row may break several.
    """

    NUMBERS = ("rows_in", "accepted", "quarantined", "already_landed", "changed")
    source: str
    table: str
    files: tuple[FileReport, ...]

    @property
    def rows_in(self) -> int:
        """Records that the files held."""
        return self._sum("rows_in")

    @property
    def accepted(self) -> int:
        """Rows that landed: new ones and changed ones."""
        return self._sum("accepted")

    @property
    def quarantined(self) -> int:
        """Rows that were set aside."""
        return self._sum("quarantined")

    @property
    def already_landed(self) -> int:
        """Rows that had landed before, or stand in the file twice."""
        return self._sum("already_landed")

    @property
    def changed(self) -> int:
        """Accepted rows whose record had landed before with other content."""
        return self._sum("changed")

    @property
    def reasons(self) -> dict[str, int]:
        """Broken rules, most frequent first."""
        found: dict[str, int] = {}
        for file in self.files:
            for reason, count in file.counts.reasons.items():
                found[reason] = found.get(reason, 0) + count
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def to_document(self) -> dict[str, object]:
        """Give the report as plain data."""
        numbers = {name: getattr(self, name) for name in self.NUMBERS}
        files = [file.to_document() for file in self.files]
        return {
            "source": self.source,
            "table": self.table,
            **numbers,
            "reasons": self.reasons,
            "files": files,
        }

    def _sum(self, number: str) -> int:
        return sum(getattr(file.counts, number) for file in self.files)


def _ignore(_: str) -> None:
    return


def ingest(  # noqa: PLR0913 - the face of the package: who, when, what, and whom to tell
    settings: Settings,
    clock: Clock,
    source: str,
    paths: Sequence[Path],
    mapping: str | Path | None = None,
    *,
    waiting: Callable[[str], None] = _ignore,
) -> IngestReport:
    """Land files and folders of one source. `waiting` hears who writes to the landing zone, if somebody else does.

    Raises UsageError for a wrong source or mapping before any file is opened, InputError for a file that cannot be
    taken; the files before that one have landed then, and of that one nothing.
    """
    reader = find_reader(settings, source, mapping)
    found = [delivery for path in paths for delivery in _deliveries(reader, path)]
    reports: list[FileReport] = []
    for delivery in found:
        try:
            reports.append(_take(settings, clock, reader, delivery, waiting))
        except InputError as error:
            if reports:
                raise InputError(
                    error.message, f"{error.mend} The {len(reports)} before it landed."
                ) from error
            raise
    return IngestReport(reader.source, reader.table, tuple(reports))


def _deliveries(reader: Reader, path: Path) -> Iterator[Found]:
    found = find_files(path, reader.suffixes)
    if reader.together or len(found.files) == 1:
        yield found
        return
    for file in found.files:
        yield find_files(file, reader.suffixes)


def _take(
    settings: Settings, clock: Clock, reader: Reader, found: Found, waiting: Callable[[str], None]
) -> FileReport:
    delivery = Delivery(reader.source, reader.table, found.path.name, found.sha256, reader.version)
    same = find_landing(landings_of(settings, reader.source, reader.table), delivery)
    if same is not None:
        return _report(found, Landed(same, repeated_counts(settings, same), repeated=True))
    with open_stage() as connection:
        reader.stage(connection, found)
        return _report(found, land(connection, settings, clock, delivery, waiting))


def _report(found: Found, landed: Landed) -> FileReport:
    return FileReport(found.path, landed.landing.landing_id, landed.repeated, landed.counts)
