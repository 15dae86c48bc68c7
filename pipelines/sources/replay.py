"""What was set aside is taken in once more: by a mended mapping, which reads the kept file again, or a mended contract."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from data_contracts.errors import InputError, UsageError
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing.ages import came_later
from pipelines.landing.breaches import Reads
from pipelines.landing.durable import telling_of_full_disk
from pipelines.landing.judging import Again, Counts
from pipelines.landing.lock import landing_lock
from pipelines.landing.manifest import Landing
from pipelines.landing.origin import Origin
from pipelines.landing.originals import kept_files, tidy_originals
from pipelines.landing.quarantine import Quarantined, Replay, list_quarantine, replay_rows
from pipelines.landing.refusals import refusal_error
from pipelines.landing.settlement import find_refusals, settle
from pipelines.landing.staging import Delivery, open_stage
from pipelines.landing.writer import commit, landings_of, prepare
from pipelines.sources.files import Found
from pipelines.sources.opt_outs import heed
from pipelines.sources.readers import Part, find_reader, present_version


def _ignore(_: str) -> None:
    return


def replay(
    settings: Settings, clock: Clock, table: str | None = None, waiting: Callable[[str], None] = _ignore
) -> list[Replay]:
    """Take what is set aside in once more, of one table or of all, oldest first.

    Where the mapping that read a file has changed since, the file is read again as a whole: what had landed before stays,
    what reads otherwise now lands as a newer version, and what is still bad is set aside in place of the rows before. Else
    the rows are judged again by the contract as it is now. Nothing takes the place of what came later.
    """
    with landing_lock(settings, waiting):
        replays = [_replay(settings, clock, item) for item in list_quarantine(settings, table)]
        tidy_originals(settings)
    return replays


def _replay(settings: Settings, clock: Clock, item: Quarantined) -> Replay:
    landings = landings_of(settings, item.source, item.table)
    landing = next(each for each in landings if each.landing_id == item.landing_id)
    try:
        with telling_of_full_disk(f"what {item.landing_id} set aside"):
            part = _mended(settings, landing)
            return _read_again(settings, clock, landing, part) if part else replay_rows(settings, clock, item)
    except InputError as error:
        names = (item.landing_id, item.source, item.table)
        return Replay(*names, item.rows, 0, item.rows, 0, refused=str(error))


def _mended(settings: Settings, landing: Landing) -> Part | None:
    """Find what reads a kept file in another way today; None where nothing does, or the file is not kept.

    Landings of versions that kept no files have no origin either.
    """
    origin = landing.origin
    version = present_version(settings, origin.part, origin.mapping) if origin.asked else None
    if version in {None, landing.mapping_hash}:
        return None
    files = kept_files(settings, landing.file_sha256)
    if not files:
        return None
    try:
        reader = find_reader(settings, origin.asked, origin.mapping or None)
    except UsageError:  # the mapping was given by a path at which it no longer lies
        return None
    path = files[0] if len(files) == 1 else _folder(files)
    reading = reader.read(Found(path, files, landing.file_sha256))
    wanted = (origin.part, landing.table, landing.source)
    return next(
        (
            each
            for each in reading.parts
            if (each.mapping, each.table, each.source or reader.source) == wanted
        ),
        None,
    )


def _read_again(settings: Settings, clock: Clock, landing: Landing, part: Part) -> Replay:
    with closing(open_stage(settings)) as connection:
        seen = part.stage(connection)
        heed(settings, [(part.table, connection)], clock.now(), {"file_sha256": landing.file_sha256})
        origin = landing.origin
        delivery = Delivery(
            landing.source,
            landing.table,
            landing.file_name,
            landing.file_sha256,
            part.version,
            origin=Origin(origin.asked, origin.mapping, origin.part, seen.columns),
        )
        newer = came_later(landing, landings_of(settings, landing.source, landing.table))
        prepared = prepare(connection, settings, clock, delivery, again=Again(newer, passed=True))
        if refusals := find_refusals([(prepared, Reads(part.mapping, part.origins()))]):
            raise refusal_error(refusals)
        landed = commit(settings, [prepared])
        settle(settings, landed, delivered=False)
    return _told(landing, landed[0].counts)


def _told(landing: Landing, counts: Counts) -> Replay:
    return Replay(
        landing.landing_id,
        landing.source,
        landing.table,
        counts.rows_in,
        counts.accepted,
        counts.quarantined,
        counts.already_landed,
        read_again=True,
    )


def _folder(files: tuple[Path, ...]) -> Path:
    """Find the folder that files share."""
    folder = files[0].parent
    while not all(path.is_relative_to(folder) for path in files):
        folder = folder.parent
    return folder
