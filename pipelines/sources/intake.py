"""Takes files in: found, read by their reader, judged and landed; each delivery whole or not at all."""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from data_contracts.contracts import contract_names
from data_contracts.errors import BatchRefusedError, InputError, UsageError
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing.breaches import Reads
from pipelines.landing.durable import telling_of_full_disk
from pipelines.landing.judging import Counts
from pipelines.landing.lock import landing_lock
from pipelines.landing.origin import Origin
from pipelines.landing.originals import keep_original
from pipelines.landing.settlement import find_refusals, refuse, refuse_changed, settle
from pipelines.landing.staging import Delivery, open_stage
from pipelines.landing.standing import tell_store
from pipelines.landing.writer import Landed, Prepared, commit, find_landing, landings_of, prepare
from pipelines.sources.archives import as_came, unpacked
from pipelines.sources.columns import Changes, Seen, changes
from pipelines.sources.completion import completed
from pipelines.sources.files import Found, find_files
from pipelines.sources.mapping import load_mapping
from pipelines.sources.opt_outs import heed
from pipelines.sources.readers import Part, Reader, Reading, chosen_parts, find_reader
from pipelines.sources.row_count import refuse_other_count

NUMBERS = ("rows_in", "accepted", "quarantined", "already_landed", "changed")


class Sums:
    """The five numbers of a report, added up over what it consists of."""

    def _counts(self) -> Iterable[Counts]:
        raise NotImplementedError

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


@dataclass(frozen=True)
class _Staged:
    """A part of a delivery whose rows are staged, or, where it is not `fresh`, had landed before."""

    part: Part
    delivery: Delivery
    connection: duckdb.DuckDBPyConnection
    seen: Seen
    fresh: bool


@dataclass(frozen=True)
class Intake:
    """Who takes files in, for whom: the settings, the clock, and who hears whom we wait for.

    `asked` and `mapping` are what the reader was found by.
    """

    settings: Settings
    clock: Clock
    waiting: Callable[[str], None]
    tables: Collection[str] | None
    named: Collection[Path]  # on the command line, so that one of no known shape is an error
    rows: int | None = None  # so many records every file has to hold
    asked: str = ""
    mapping: str = ""

    def take(self, reader: Reader, found: Found) -> FileReport:
        """Land one delivery: all its tables, or none of them.

        Raises BatchRefusedError where it breaks a contract as a whole: then that is on record, and the contract is red.
        """
        try:
            reading = reader.read(found)
            for path, error in reading.unread.items():
                if path in self.named:
                    raise error
            return self._land(reader, found, reading)
        except BatchRefusedError as error:
            if error.mapping:
                self._refuse_changed(reader, found, error)
            raise
        finally:
            tell_store(self.settings, self.clock)

    def _land(self, reader: Reader, found: Found, reading: Reading) -> FileReport:
        with ExitStack() as stack:
            staged = [
                self._stage(part, self._delivery(reader, part, found), stack)
                for part in chosen_parts(reading.parts, self.tables)
            ]
            fresh = [each for each in staged if each.fresh]
            refuse_other_count(found.path, self.rows, [each.connection for each in fresh])
            # first of all, so that they count though the delivery may be refused, or we be killed
            opt_outs = heed(
                self.settings,
                [(each.part.table, each.connection) for each in fresh],
                self.clock.now(),
                {"file_sha256": found.sha256},
            )
            stack.enter_context(landing_lock(self.settings, self.waiting))
            prepared = self._prepare(staged)
            refuse(self.settings, find_refusals(zip(prepared, map(_reads, staged), strict=True)))
            changed = self._changes(staged, prepared)
            if any(each.counts.quarantined for each in prepared):
                with telling_of_full_disk(found.path.name):
                    keep_original(self.settings, found.sha256, found.files)
            landed = commit(self.settings, prepared)
            settle(self.settings, landed)
        landings = tuple(map(_report, [each.part for each in staged], landed, changed))
        return FileReport(found.path, landings, tuple(reading.unread), opt_outs.recorded)

    def _stage(self, part: Part, delivery: Delivery, stack: ExitStack) -> "_Staged":
        connection = stack.enter_context(closing(open_stage(self.settings)))
        if self._landed_before(delivery):
            return _Staged(part, delivery, connection, Seen(), fresh=False)
        with telling_of_full_disk(delivery.file_name):
            seen = part.stage(connection)
        origin = Origin(self.asked, self.mapping, part.mapping, seen.columns)
        return _Staged(part, replace(delivery, origin=origin), connection, seen, fresh=True)

    def _prepare(self, staged: Sequence["_Staged"]) -> list[Prepared]:
        prepared: list[Prepared] = []
        for each in staged:
            prepared.append(
                prepare(each.connection, self.settings, self.clock, each.delivery, tuple(prepared))
            )
        return prepared

    def _changes(self, staged: Sequence["_Staged"], prepared: Sequence[Prepared]) -> list[Changes]:
        """Say for each part which columns came and went since the landing before."""
        read = {column for each in staged if each.part.plan for column in each.part.plan.used_columns}
        return [
            Changes()
            if judged.repeated
            else changes(
                landings_of(self.settings, each.delivery.source, each.delivery.table),
                each.part.mapping,
                each.seen,
                read,
                judged.counts.rows_in,
            )
            for each, judged in zip(staged, prepared, strict=True)
        ]

    def _refuse_changed(self, reader: Reader, found: Found, error: BatchRefusedError) -> None:
        table = load_mapping(error.mapping, self.settings.mappings_dir).table
        with landing_lock(self.settings, self.waiting):
            delivery = Delivery(reader.source, table, found.path.name, found.sha256, "")
            refuse_changed(self.settings, self.clock, delivery, error)

    def _delivery(self, reader: Reader, part: Part, found: Found) -> Delivery:
        source = part.source or reader.source
        return Delivery(source, part.table, found.path.name, found.sha256, part.version, part.streamed)

    def _landed_before(self, delivery: Delivery) -> bool:
        earlier = landings_of(self.settings, delivery.source, delivery.table)
        return find_landing(earlier, delivery) is not None


def _ignore(_: str) -> None:
    return


def ingest(  # noqa: PLR0913 - the face of the package: who, when, what, and whom to tell
    settings: Settings,
    clock: Clock,
    source: str,
    paths: Sequence[Path],
    mapping: str | Path | None = None,
    *,
    tables: Collection[str] | None = None,
    complete: bool = False,
    rows: int | None = None,
    waiting: Callable[[str], None] = _ignore,
) -> IngestReport:
    """Land files and folders of one source. `waiting` hears who writes to the landing zone, if somebody else does.

    `tables` limits what is taken of them; `complete` says that files are whole though their last line has no end; `rows`
    is how many records every file has to hold.
    A file of a folder that is of no shape we know is passed over and told of; one that was named itself is an error.

    Raises UsageError for a wrong source, mapping or table before any file is opened, InputError for a file that cannot
    be taken; the files before that one have landed then, and of that one nothing.
    """
    if unknown := sorted(set(tables or ()) - set(contract_names("inbound"))):
        known = ", ".join(contract_names("inbound"))
        raise UsageError(f"There is no table {unknown[0]!r}.", f"Known are {known}.")
    reader = find_reader(settings, source, mapping)
    with ExitStack() as stack:
        found = [
            stack.enter_context(unpacked(each, reader.suffixes, settings.max_file_mb))
            for each in [find_files(path, reader.suffixes) for path in paths]
        ]
        if complete:
            found = [stack.enter_context(completed(each)) for each in found]
        named = {each.files[0] for each in found if each.path.is_file() and len(each.files) == 1}
        intake = Intake(settings, clock, waiting, tables, named, rows, source, _lasting(mapping))
        reports = _take_all(intake, reader, [part for each in found for part in reader.split(each)])
    report = IngestReport(reader.source, tuple(reports))
    if report.unread and not report.landings:
        raise InputError(
            f"None of the {len(report.unread)} files is of a shape of {source} that we know.",
            "Name one of them, and you are told what is expected and what was found.",
        )
    return report


def _lasting(mapping: str | Path | None) -> str:
    """Name a mapping so that it is found again: by its name, or by its whole path."""
    if mapping is None:
        return ""
    path = Path(mapping)
    return str(path.absolute()) if path.is_file() else str(mapping)


def _reads(staged: _Staged) -> Reads:
    return Reads(staged.part.mapping, staged.part.origins())


def _take_all(intake: Intake, reader: Reader, deliveries: Sequence[Found]) -> list[FileReport]:
    reports: list[FileReport] = []
    for delivery in deliveries:
        try:
            reports.append(_as_came(intake.take(reader, delivery), delivery))
        except InputError as error:
            if any(report.landings for report in reports):
                error.mend = f"{error.mend} The {len(reports)} before it landed."
            raise
    return reports


def _as_came(report: FileReport, found: Found) -> FileReport:
    """Name files that were unpacked aside as they came."""
    unread = tuple(Path(as_came(str(path), found.came)) for path in report.unread)
    return replace(report, path=Path(as_came(str(report.path), found.came)), unread=unread)


def _report(part: Part, landed: Landed, changed: Changes) -> LandingReport:
    return LandingReport(
        part.table, part.mapping, landed.landing.landing_id, landed.repeated, landed.counts, changed
    )
