"""Takes files in: found, read by their reader, judged and landed; each delivery whole or not at all."""

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from data_contracts.contracts import contract_names
from data_contracts.errors import BatchRefusedError, InputError, UsageError
from data_contracts.sentences import counted
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing.breaches import Reads
from pipelines.landing.durable import telling_of_full_disk
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
from pipelines.sources.report import FileReport, IngestReport, LandingReport
from pipelines.sources.row_count import refuse_other_count


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
            try:
                refuse(self.settings, find_refusals(zip(prepared, map(_reads, staged), strict=True)))
            except BatchRefusedError as error:
                if opt_outs.recorded:
                    error.mend += f" The {opt_outs.recorded:,} new opt-outs that it holds count all the same."
                raise
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
        table = load_mapping(self.mapping or error.mapping, self.settings.mappings_dir).table
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
            f"Of {counted(len(report.unread), 'file')} none is of a shape of {source} that we know.",
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
