"""Decisions as a file that people review and keep in git: written whole, taken over whole or not at all."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field

from data_contracts.errors import InputError, RefusedError, UsageError
from data_contracts.yaml_files import YamlFile, name_or_hidden
from messaging import audit
from messaging.clock import Clock
from messaging.identity_decisions.contradictions import first_clash
from messaging.identity_decisions.record import (
    Known,
    insert_decisions,
    make_decision,
    read_alone,
    refuse_unknown,
    standing_decisions,
    standing_of,
)
from messaging.identity_decisions.said import (
    LONGEST_AUTHOR,
    Decision,
    Kind,
    Record,
    checked_words,
    read_record,
)
from messaging.store import Store

MEND = "Nothing changed. Mend it as `rapport identity decisions export` writes it."
HEADER = """\
# Who people said is one, or is not: taken over with `rapport identity decisions import`.
# `one` and `other` are records, as source/source_record_id. A decision that somebody adds by hand needs a kind
# (merge or split), both records and a reason.
"""


@dataclass(frozen=True)
class Imported:
    """What an import brought: the decisions that are new, and how many stood already."""

    new: tuple[Decision, ...]
    already: int


class _Entry(BaseModel):
    """A decision as it stands in a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    one: str
    other: str
    reason: str
    author: str | None = None
    decided_at: datetime | None = None
    decision_id: Annotated[str, Field(pattern=r"^dec_[0-9a-zA-Z_-]{1,60}$")] | None = None


class _File(BaseModel):
    """A whole file of decisions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decisions: tuple[_Entry, ...] | None


def export_decisions(store: Store) -> str:
    """Write the decisions that stand as YAML, in the order in which they were taken."""
    listed = [
        {
            "decision_id": each.decision_id,
            "kind": each.kind,
            "one": str(each.one),
            "other": str(each.other),
            "author": each.author,
            "decided_at": each.decided_at,
            "reason": each.reason,
        }
        for each in standing_decisions(store)
    ]
    return HEADER + yaml.safe_dump({"decisions": listed}, sort_keys=False, allow_unicode=True, width=100)


def import_decisions(  # noqa: PLR0913 what is read, by whom, against what
    store: Store,
    clock: Clock,
    text: str,
    author: str,
    *,
    known: Known,
    name: str = "The file",
) -> Imported:
    """Take over the decisions of a file, all of them or none; what stands already is left alone.

    They keep their ids, authors and times; a decision without them becomes `author`'s, of now. `name` is what the file
    is called. Raises InputError where the file cannot be read, NotFoundError where a record is not there, RefusedError
    where a decision was withdrawn here or contradicts another.
    """
    author = checked_words(author, "author", LONGEST_AUTHOR)
    file = YamlFile(name, text, mend=MEND, private=True)
    listed = [
        _decision(file, entry, number, author, clock.now()) for number, entry in enumerate(_entries(file))
    ]
    _refuse_repeated_ids(listed)
    there = known({record for each in listed for record in (each.one, each.other)})
    with store.write() as connection:
        stored = read_alone(connection)
        new = _new(listed, stored)
        refuse_unknown({record for each in new for record in (each.one, each.other)}, there)
        _refuse_clash(standing_of(stored), new)
        insert_decisions(connection, new)
        imported = Imported(tuple(new), len(listed) - len(new))
        detail = {"new": len(imported.new), "already": imported.already}
        audit.record(connection, author, "identity.import", None, detail, at=clock.now())
    return imported


def _entries(file: YamlFile) -> tuple[_Entry, ...]:
    if not isinstance(file.values, dict) or set(file.values) != {"decisions"}:
        raise InputError(
            f"{file.name} is no list of decisions; nothing changed.",
            "It holds `decisions:` and nothing beside it, as `rapport identity decisions export` writes it.",
        )
    return file.checked(_File).decisions or ()


def _decision(file: YamlFile, entry: _Entry, number: int, author: str, now: datetime) -> Decision:
    try:
        return make_decision(
            entry.kind,
            _record(entry.one),
            _record(entry.other),
            author=author if entry.author is None else entry.author,
            reason=entry.reason,
            decided_at=_naive(entry.decided_at) if entry.decided_at else now,
            decision_id=entry.decision_id,
        )
    except UsageError as error:
        what = error.message.removesuffix(".")
        file.refuse(("decisions", number), f"decision {number + 1}: {what}; nothing changed", error.mend)


def _record(text: str) -> Record:
    record = read_record(text)
    if record is None:
        raise UsageError(f"{name_or_hidden(text)} names no record.", "Write it as source/source_record_id.")
    return record


def _naive(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except OverflowError:  # an hour before the first year
        raise UsageError(f"The time {moment} is none in UTC.", "Write the time of the decision.") from None


def _refuse_repeated_ids(listed: list[Decision]) -> None:
    seen: dict[str, int] = {}
    for number, each in enumerate(listed, start=1):
        before = seen.setdefault(each.decision_id, number)
        if before != number:
            raise InputError(
                f"Decisions {before} and {number} of the file are both {each.decision_id}; nothing changed.",
                "Leave the id out of a decision that is new.",
            )


def _new(listed: list[Decision], stored: tuple[Decision, ...]) -> list[Decision]:
    """Leave out what stands. Raises RefusedError where an id means something else here, or was withdrawn."""
    by_id = {each.decision_id: each for each in stored}
    subjects = {each.subject for each in standing_of(stored)}
    new: list[Decision] = []
    for each in listed:
        here = by_id.get(each.decision_id)
        if here and here.subject != each.subject:
            raise RefusedError(
                f"Decision {each.decision_id} of the file is about other records than here; nothing changed.",
                "Leave its id out of the file, so that it counts as a new one.",
            )
        if each.subject in subjects:
            continue
        if here:
            raise RefusedError(
                f"Decision {each.decision_id} of the file was withdrawn here by {here.withdrawn_by}; nothing changed.",
                "Take it out of the file; or leave out only its id, and it counts as a new one.",
            )
        subjects.add(each.subject)
        new.append(each)
    return new


def _refuse_clash(standing: tuple[Decision, ...], new: list[Decision]) -> None:
    clash = first_clash([*standing, *new])
    if clash is None:
        return
    if clash.earlier in standing:
        command = f"rapport identity decisions withdraw {clash.earlier.decision_id}"
        mend = f'Withdraw that one first (`{command} --reason "..."`), or take this one out of the file.'
    else:
        mend = "Both are in the file: take one of the two out."
    raise RefusedError(f"{clash.sentence}; nothing changed.", mend)
