"""Who is told what, now: from open notices to messages, without a storm. Pure.

A notice is told when it is new, when there is ten times as much of it, once a day while it lasts, and when it is over
for good. An owner gets a bounded number of messages an hour: what is more comes together. At night they get only what
is urgent. What came and went before anybody was told is never told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from messaging.notifications.events import Finding
from messaging.notifications.owners import Rules

CALM = timedelta(minutes=10)  # that something has to stay over: what comes back within is the same thing
HOUR = timedelta(hours=1)
WORSE = 10  # times as much as was told
URGENT_EVERY = timedelta(minutes=10)  # also to an owner who has had all messages of the hour
FIRST_RETRY = timedelta(seconds=30)  # after all ways of an owner failed; doubles
LONGEST_RETRY = timedelta(minutes=15)

Kind = Literal["new", "worse", "still", "over"]


@dataclass(frozen=True)
class Notice:
    """One thing that is or was wrong. Moments are naive UTC by the database's clock."""

    notice_id: str
    event: str
    subject: str
    sentence: str
    amount: int
    worst: int
    returns: int
    began_at: datetime
    seen_at: datetime
    ended_at: datetime | None = None
    told_at: datetime | None = None
    told_to: str | None = None
    told_amount: int | None = None
    cleared_at: datetime | None = None

    @property
    def key(self) -> str:
        """Give what no two open notices share."""
        return f"{self.event}/{self.subject}"


@dataclass(frozen=True)
class Changes:
    """What a look changes in the notices that are open: by their keys and ids."""

    opened: tuple[Finding, ...] = ()
    changed: tuple[tuple[Notice, Finding], ...] = ()  # more, less, told otherwise, or back again
    ended: tuple[Notice, ...] = ()
    closed: tuple[Notice, ...] = ()  # over for good, and nobody has to hear of it


@dataclass(frozen=True)
class Item:
    """One notice in a message, and why it is in it."""

    notice: Notice
    kind: Kind
    urgent: bool


@dataclass(frozen=True)
class Telling:
    """One message to one owner: about one notice, or about several at once."""

    owner: str
    items: tuple[Item, ...]

    @property
    def urgent(self) -> bool:
        """Say whether something in it is urgent."""
        return any(item.urgent for item in self.items)


@dataclass(frozen=True)
class Told:
    """A message that an owner was sent before; `failed` where no way took it."""

    owner: str
    began_at: datetime
    failed: bool = False


def compare(
    open_notices: Iterable[Notice], findings: Iterable[Finding], rules: Rules, today: datetime
) -> Changes:
    """Hold what is wrong now against the notices that are open: one for each event and subject."""
    known = {notice.key: notice for notice in open_notices}
    found = {finding.key: finding for finding in findings}
    gone = [notice for key, notice in known.items() if key not in found]
    return Changes(
        opened=tuple(finding for key, finding in found.items() if key not in known),
        changed=tuple(
            (known[key], finding)
            for key, finding in found.items()
            if key in known and _differs(known[key], finding)
        ),
        ended=tuple(notice for notice in gone if notice.ended_at is None),
        closed=tuple(
            notice
            for notice in gone
            if is_calm(notice, today) and (notice.told_at is None or rules.owner_of(notice.event) is None)
        ),
    )


def _differs(notice: Notice, finding: Finding) -> bool:
    same = (notice.sentence, notice.amount) == (finding.sentence, finding.amount)
    return not same or notice.ended_at is not None


def is_calm(notice: Notice, today: datetime) -> bool:
    """Say whether a notice is over and has stayed so."""
    return notice.ended_at is not None and not _within(CALM, notice.ended_at, today)


def _within(span: timedelta, moment: datetime, today: datetime) -> bool:
    """Say whether a moment lies less than `span` back; one ahead of us is of a clock that was set back since."""
    return timedelta() <= today - moment < span


def why(notice: Notice, owner: str, rules: Rules, today: datetime) -> Kind | None:
    """Say why an owner is to be told of a notice now; None where they are not."""
    if notice.ended_at is not None:
        return "over" if notice.told_at is not None and is_calm(notice, today) else None
    if notice.told_at is None or notice.told_to != owner:
        return "new"
    if notice.amount >= WORSE * (notice.told_amount or 1):
        return "worse"
    return None if _within(rules.remind_after, notice.told_at, today) else "still"


@dataclass(frozen=True)
class Circumstances:
    """When and after what it is decided; moments are naive UTC.

    `now` is whose nights are meant, by the installation's clock; `today` the database's. `snoozed` gives until when an event
    and subject (or with an empty subject all of them) are not told; `history` is what owners were sent within a day.
    """

    now: datetime
    today: datetime
    company_zone: str = "UTC"
    snoozed: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    history: Sequence[Told] = ()


def decide(notices: Iterable[Notice], rules: Rules, at: Circumstances) -> list[Telling]:
    """Choose the messages that go now."""
    waiting: dict[str, list[Item]] = {}
    for notice in notices:
        owner = rules.owner_of(notice.event)
        if owner is None or _is_snoozed(notice, at):
            continue
        if kind := why(notice, owner, rules, at.today):
            waiting.setdefault(owner, []).append(Item(notice, kind, rules.urgent(notice.event)))
    return [telling for name, items in waiting.items() for telling in _to_owner(name, items, rules, at)]


def _is_snoozed(notice: Notice, at: Circumstances) -> bool:
    until = [at.snoozed.get((notice.event, subject)) for subject in (notice.subject, "")]
    return any(each is not None and at.today < each for each in until)


def _to_owner(name: str, items: Sequence[Item], rules: Rules, at: Circumstances) -> list[Telling]:
    owner = rules.owners[name]
    if not owner.ways:
        return []
    if owner.quiet_until(at.now, at.company_zone) is not None:
        items = [item for item in items if item.urgent]
    mine = sorted((told for told in at.history if told.owner == name), key=lambda told: told.began_at)
    if not items or _rests(mine, at.today):
        return []
    return _bounded(name, sorted(items, key=_first_things_first), rules.most_an_hour, mine, at.today)


def _first_things_first(item: Item) -> tuple[bool, bool, datetime]:
    return (not item.urgent, item.kind == "over", item.notice.began_at)


def _rests(mine: Sequence[Told], today: datetime) -> bool:
    """Say whether an owner's ways have just failed, so that they are left alone for a moment."""
    failures = 0
    for told in reversed(mine):
        if not told.failed:
            break
        failures += 1
    if not failures:
        return False
    rest = min(FIRST_RETRY * (1 << min(failures - 1, 10)), LONGEST_RETRY)
    return _within(rest, mine[-1].began_at, today)


def _bounded(
    name: str, items: Sequence[Item], most: int, mine: Sequence[Told], today: datetime
) -> list[Telling]:
    """Give each notice a message of its own while the hour has room for it; the rest comes in one."""
    had = [told for told in mine if not told.failed and _within(HOUR, told.began_at, today)]
    room = most - len(had)
    if room <= 0:
        urgent = tuple(item for item in items if item.urgent)
        may = urgent and today - had[-1].began_at >= URGENT_EVERY
        return [Telling(name, urgent)] if may else []
    if len(items) <= room:
        return [Telling(name, (item,)) for item in items]
    alone, together = items[: room - 1], items[room - 1 :]
    return [*(Telling(name, (item,)) for item in alone), Telling(name, tuple(together))]


class StoreTrouble:
    """How long the store has not worked, and whether that is told: kept in memory, for there is no store to keep it.

    Moments are naive UTC.
    """

    def __init__(self, after: timedelta, remind_after: timedelta) -> None:
        self._after, self._remind_after = after, remind_after
        self._since: datetime | None = None
        self._told_at: datetime | None = None

    def failed(self, sentence: str, now: datetime) -> Item | None:
        """Take it that the store failed just now; give what to tell, if it is time."""
        self._since = self._since or now
        last, rest = (
            (self._since, self._after) if self._told_at is None else (self._told_at, self._remind_after)
        )
        if now - last < rest:
            return None
        return Item(self._notice(sentence, now), "new" if self._told_at is None else "still", urgent=True)

    def told(self, now: datetime) -> None:
        """Take it that somebody was told."""
        self._told_at = now

    def works(self, now: datetime) -> Item | None:
        """Take it that the store works; give the all-clear to tell, where somebody was told that it did not."""
        if self._told_at is None:
            self._since = None
            return None
        return Item(self._notice("", now, ended_at=now), "over", urgent=True)

    def cleared(self) -> None:
        """Take it that they were told that it is over."""
        self._since = self._told_at = None

    def _notice(self, sentence: str, now: datetime, ended_at: datetime | None = None) -> Notice:
        since = self._since or now
        told = f"For {(now - since).total_seconds() / 60:.0f} minutes the store could not be used. {sentence}".strip()
        return Notice("ntc_store", "store_trouble", "store", told, 1, 1, 0, since, now, ended_at)
