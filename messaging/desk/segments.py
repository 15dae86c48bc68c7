"""What the page of segments asks: how large each is, who is in one, who came and left, and a file of them to take away."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from data_contracts.errors import LibraryError, NotFoundError, RapportError, RefusedError, ReleaseError
from messaging import audit, segments
from messaging.access import Sight
from messaging.desk import masking
from messaging.desk.writing import Desk
from messaging.exports import csv_text
from messaging.release import Row, Snapshot
from messaging.segments import Changes, Comparison, Overlap, Segment, SegmentCount, columns_of, named_in
from messaging.segments.lists import Uploaded, all_lists, read_list, read_lists, remove, upload
from messaging.segments.rules import Did, Leaf, Touches, leaves
from messaging.segments.rules import Sequence as Steps
from messaging.segments.sizes import Size, keep_size, sizes
from messaging.template_versions import text_hash

EXPORTED = (
    "customer_id",
    "display_name",
    "email",
    "phone",
    "country",
    "language",
)  # and what the rules look at
CHANNELS = ("email", "sms", "whatsapp")
SAVES = 2000  # entries of the audit that are looked through for who saved what
NAMED = "SELECT customer_id, display_name FROM c360.customer_360 WHERE customer_id IN (SELECT unnest(?::VARCHAR[]))"


EVERYBODY = Segment("-everybody", "", "", Comparison("customer_id", "is not null"))  # no file can be named so


@dataclass(frozen=True)
class Listing:
    """A segment in the list of all: its newest size, when its file changed last (naive UTC), or what is wrong."""

    name: str
    title: str
    words: str
    size: Size | None
    changed_at: datetime
    changed_by: str
    trouble: RapportError | None = None


@dataclass(frozen=True)
class Counted:
    """How many of how many people a segment holds in a release, and how many of them each channel reaches."""

    people: int
    matched: int
    reached: Mapping[str, int]
    release: str


@dataclass(frozen=True)
class Movement:
    """Who came into a segment and who left it, with the names of the first of each as somebody may see them."""

    changes: Changes
    names: Mapping[str, str]


@dataclass(frozen=True)
class Export:
    """People of a segment as a CSV."""

    file: str
    text: str
    people: int


def listed(desk: Desk) -> list[Listing]:
    """Give every segment with the newest size that somebody counted; `count_behind` counts those that are older."""
    with desk.store.read() as connection:
        saves = audit.newest(connection, SAVES, action="segment.save")
    return [_listing(desk, name, saves) for name in desk.library.names("segments")]


def count_behind(desk: Desk, names: Collection[str], seconds: float) -> dict[str, RapportError | None]:
    """Count segments and keep their sizes, at least one and no more once the time is up.

    Gives which were counted, or why one cannot be: a list that is gone, or a rule that takes too long.
    """
    until = time.monotonic() + seconds
    done: dict[str, RapportError | None] = {}
    for name in names:
        try:
            counted(desk, desk.library.segment(name), keep=True)
            done[name] = None
        except (LibraryError, NotFoundError, ReleaseError) as error:
            done[name] = error
        if time.monotonic() > until:
            break
    return done


def require_seen(desk: Desk, segment: Segment, sight: Sight) -> None:
    """Refuse conditions of one's own on what one may not see: their count would tell it, letter by letter.

    What stands in the library may be counted by everybody. Raises RefusedError.
    """
    unseen = [
        f"“{column.title}”"
        for column in map(desk.library.contract.column, columns_of(segment.rule))
        if (column.name in masking.NAMES and not sight.names)
        or (
            not sight.contacts and (column.name in {"email", "phone"} or column.classification == "sensitive")
        )
    ]
    if not sight.wrote and any(map(_asks_for_words, leaves(segment.rule))):
        unseen.append("what was written")
    if unseen:
        raise RefusedError(
            f"Your role does not see {unseen[0]}, and cannot try conditions on it.",
            "Ask a marketer to save the segment; what is saved is counted for everybody.",
        )


def _asks_for_words(rule: Leaf) -> bool:
    """Say whether a rule looks for words in titles that people wrote, such as the subjects of mails."""
    touches: tuple[Touches | None, ...] = ()
    if isinstance(rule, Did):
        touches = (rule.touches,)
    elif isinstance(rule, Steps):
        touches = (*rule.steps, rule.without)
    kinds = [set(dict(each.columns).get("kind", ())) for each in touches if each is not None and each.says]
    return any(not each or each - masking.SPEAKS_FOR_ITSELF - {"event"} for each in kinds)


def counted(desk: Desk, segment: Segment, *, keep: bool = False) -> Counted:
    """Count a segment in the newest release; `keep` the size for its history. Raises NotFoundError for a lost list."""
    with _asked(desk, [segment]) as asked:
        there = asked.snapshot.columns("customer_360")
        channels = [each for each in CHANNELS if f"{each}_reachable" in there]
        # laid over everybody and whom each channel reaches: one pass, half the time of two (819,000 people, 2026-11-23)
        over = [segment, EVERYBODY, *map(_reached_by, channels)]
        laid = segments.overlap(asked.snapshot, over, asked.objectors, asked.lists)
        release = asked.snapshot.info
    people, matched = laid.matched[EVERYBODY.name], laid.matched[segment.name]
    if keep:
        with desk.store.write() as connection:
            size = SegmentCount(segment.name, people, matched)
            keep_size(connection, segment, size, release, desk.clock.now())
    reached = {each: laid.pairs[segment.name, _reached_by(each).name] for each in channels}
    return Counted(people, matched, reached, release.version)


def previewed(desk: Desk, segment: Segment, limit: int, *, sight: Sight, actor: str) -> list[Row]:
    """Give some people of a segment with the columns that its rules look at, masked; who looked is taken down first."""
    with _asked(desk, [segment]) as asked:
        rows = segments.preview(asked.snapshot, segment, asked.objectors, limit, asked.lists)
    with desk.store.write() as connection:
        audit.record(
            connection, actor, "segment.preview", segment.name, {"shown": len(rows)}, at=desk.clock.now()
        )
    return [masking.facts(row, sight, desk.library.contract) for row in rows]


def overlapping(desk: Desk, several: Sequence[Segment]) -> Overlap:
    """Lay segments over one another."""
    with _asked(desk, several) as asked:
        return segments.overlap(asked.snapshot, several, asked.objectors, asked.lists)


def moved(desk: Desk, segment: Segment, limit: int, *, sight: Sight, actor: str) -> Movement | None:
    """Tell who came and who left since the release before, None where that is gone; who looked is taken down first."""
    with _asked(desk, [segment]) as asked, desk.customers.reader.earlier() as before:
        if before is None:
            return None
        found = segments.changes(asked.snapshot, before, segment, asked.objectors, asked.lists)
        shown = [*found.entered[:limit], *found.left[:limit]]
        rows = asked.snapshot.rows(NAMED, [shown])
    with desk.store.write() as connection:
        audit.record(
            connection, actor, "segment.changes", segment.name, {"shown": len(shown)}, at=desk.clock.now()
        )
    masked = [masking.facts(row, sight, desk.library.contract) for row in rows]
    return Movement(found, {row["customer_id"]: row["display_name"] or "Name unknown" for row in masked})


def exported(desk: Desk, name: str, *, sight: Sight, actor: str) -> Export:
    """Write everybody of a segment, as it stands in the library, into a CSV: masked, no cell a formula, and audited."""
    segment, text = desk.library.segment(name), desk.library.segment_text(name)
    with _asked(desk, [segment]) as asked:
        wanted = dict.fromkeys([*EXPORTED, *columns_of(segment.rule)])
        people = segments.members(asked.snapshot, segment, asked.objectors, asked.lists, wanted)
        release = asked.snapshot.info
        columns = [each for each in wanted if each in asked.snapshot.columns("customer_360")]
    detail = {"people": len(people), "hash": text_hash(text), "release": release.version}
    with desk.store.write() as connection:
        audit.record(connection, actor, "segment.export", name, detail, at=desk.clock.now())
    rows = (masking.facts(row, sight, desk.library.contract) for row in people)
    written = csv_text(columns, ([row[column] for column in columns] for row in rows))
    return Export(f"{name}-{release.as_of:%Y-%m-%d}.csv", written, len(people))


def history(desk: Desk, segment: Segment) -> list[Size]:
    """Give the sizes that a segment had in the releases in which somebody counted it by the rule that it has now."""
    with desk.store.read() as connection:
        return sizes(connection, segment)


def used_by(desk: Desk, name: str) -> list[str]:
    """Name the campaigns and the other segments that stand on a segment, by their titles."""
    campaigns = [each.title for each in desk.library.campaigns()[0] if each.segment == name]
    others = []
    for each in desk.library.names("segments"):
        try:
            other = desk.library.segment(each)
        except (LibraryError, NotFoundError):
            continue  # its own page says what is wrong with it
        others += [other.title] if name in named_in(other.rule) else []
    return campaigns + others


def uploaded_lists(desk: Desk) -> list[Uploaded]:
    """Give every list that was uploaded."""
    with desk.store.read() as connection:
        return all_lists(connection)


def upload_list(  # noqa: PLR0913 - who uploads what
    desk: Desk, name: str, raw: bytes, file: str, country: str | None, *, actor: str
) -> Uploaded:
    """Put a list of customers in the store, in place of the one before under its name. Raises InputError."""
    rows = read_list(raw, file, country)
    with desk.customers.reader.snapshot() as snapshot, desk.store.write() as connection:
        return upload(connection, snapshot, name, rows, actor, desk.clock.now())


def remove_list(desk: Desk, name: str, *, actor: str) -> None:
    """Take a list away. Raises NotFoundError."""
    with desk.store.write() as connection:
        remove(connection, name, actor, desk.clock.now())


def _reached_by(channel: str) -> Segment:
    return Segment(f"-{channel}", "", "", Comparison(f"{channel}_reachable", "=", (True,)))


@dataclass(frozen=True)
class _Asked:
    snapshot: Snapshot
    objectors: Collection[str]
    lists: Mapping[str, frozenset[str]]


@contextmanager
def _asked(desk: Desk, several: Sequence[Segment]) -> Iterator[_Asked]:
    """Hold the release, and what of the store the questions need."""
    with desk.customers.reader.snapshot() as snapshot, desk.store.read() as store:
        known = desk.customers.merged(snapshot, store)
        lists: dict[str, frozenset[str]] = {}
        for each in several:
            lists |= read_lists(store, each, known)
        yield _Asked(snapshot, desk.customers.objectors(snapshot, store), lists)


def _listing(desk: Desk, name: str, saves: Sequence[Mapping[str, Any]]) -> Listing:
    path = desk.library.folder / "segments" / f"{name}.yaml"
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
    title = name.replace("_", " ").capitalize()
    try:
        text, segment = desk.library.segment_text(name), desk.library.segment(name)
    except LibraryError as error:
        return Listing(name, title, "", None, changed, "", error)
    save = next((each for each in saves if each["subject"] == name), None)
    is_it = save is not None and (save["detail"] or {}).get("hash") == text_hash(text)
    changed, by = (save["at"], save["actor"]) if save is not None and is_it else (changed, "")
    words = segments.describe(segment.rule, desk.library.contract, desk.settings.currency)
    kept = history(desk, segment)
    return Listing(name, segment.title, words, kept[-1] if kept else None, changed, by)
