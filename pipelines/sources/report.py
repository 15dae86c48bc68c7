"""What an ingest tells: the numbers of each table, of each delivery, and of all of it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.landing.judging import Counts
from pipelines.sources.columns import Changes

NUMBERS = ("rows_in", "accepted", "quarantined", "already_landed", "changed")


class Sums(ABC):
    """The five numbers of a report, added up over what it consists of."""

    @abstractmethod
    def _counts(self) -> Iterable[Counts]:
        """Give what is added up."""

    @property
    def rows_in(self) -> int:
        """Rows that the files gave; a record may give rows of several tables."""
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
        for counts in self._counts():
            for reason, count in counts.reasons.items():
                found[reason] = found.get(reason, 0) + count
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def numbers(self) -> dict[str, int]:
        """Give the five numbers by name. rows_in = accepted + quarantined + already_landed."""
        return {name: getattr(self, name) for name in NUMBERS}

    def _sum(self, number: str) -> int:
        return sum(getattr(counts, number) for counts in self._counts())


@dataclass(frozen=True)
class LandingReport(Sums):
    """What became of the rows that a delivery gave for one table; `repeated` where it had landed before.

    `changes` are the columns of the file that came and went since the one before.
    """

    table: str
    mapping: str
    landing_id: str
    repeated: bool
    counts: Counts
    changes: Changes = field(default_factory=Changes)

    def _counts(self) -> Iterable[Counts]:
        return (self.counts,)

    def to_document(self) -> dict[str, object]:
        """Give the report as plain data."""
        names = {"table": self.table, "mapping": self.mapping, "landing_id": self.landing_id}
        columns = {"new_columns": list(self.changes.new), "gone_columns": list(self.changes.gone)}
        return {**names, "repeated": self.repeated, **self.numbers(), "reasons": self.reasons, **columns}


@dataclass(frozen=True)
class FileReport(Sums):
    """What became of one delivery: a file, or the pages of a folder. `unread` are files of no shape that we know."""

    path: Path
    landings: tuple[LandingReport, ...]
    unread: tuple[Path, ...] = ()
    opt_outs: int = 0  # recorded in the store that it did not know

    @property
    def repeated(self) -> bool:
        """Say whether all of it had landed before."""
        return bool(self.landings) and all(landing.repeated for landing in self.landings)

    def _counts(self) -> Iterable[Counts]:
        return (landing.counts for landing in self.landings)

    def to_document(self) -> dict[str, object]:
        """Give the report as plain data."""
        return {
            "path": str(self.path),
            "repeated": self.repeated,
            **self.numbers(),
            "opt_outs": self.opt_outs,
            "landings": [landing.to_document() for landing in self.landings],
        }


@dataclass(frozen=True)
class IngestReport(Sums):
    """What an ingest did. rows_in = accepted + quarantined + already_landed; `changed` is a part of `accepted`.

    `reasons` counts the broken rules of the rows set aside now; a row may break several.
    """

    source: str
    files: tuple[FileReport, ...]

    @property
    def landings(self) -> tuple[LandingReport, ...]:
        """All that landed, in the order of the files."""
        return tuple(landing for file in self.files for landing in file.landings)

    @property
    def unread(self) -> tuple[Path, ...]:
        """Files of the folders that are of no shape that we know."""
        return tuple(path for file in self.files for path in file.unread)

    @property
    def opt_outs(self) -> int:
        """Opt-outs that the store did not know."""
        return sum(file.opt_outs for file in self.files)

    def tables(self) -> dict[str, dict[str, int]]:
        """Give the five numbers of each table."""
        names = sorted({landing.table for landing in self.landings})
        return {name: self._of(name).numbers() for name in names}

    def _of(self, table: str) -> FileReport:
        return FileReport(Path(), tuple(each for each in self.landings if each.table == table))

    def _counts(self) -> Iterable[Counts]:
        return (landing.counts for landing in self.landings)

    def to_document(self) -> dict[str, object]:
        """Give the report as plain data."""
        return {
            "source": self.source,
            **self.numbers(),
            "reasons": self.reasons,
            "opt_outs": self.opt_outs,
            "tables": self.tables(),
            "files": [file.to_document() for file in self.files],
            "unread": [str(path) for path in self.unread],
        }
