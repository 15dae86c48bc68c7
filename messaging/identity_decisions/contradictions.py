"""Decisions that cannot hold together: a chain of merges makes one person of two that a split keeps apart."""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from data_contracts.errors import RefusedError
from messaging.identity_decisions.said import Decision, Record

Links = dict[Record, list[tuple[Record, Decision]]]


@dataclass(frozen=True)
class Contradiction:
    """A split, and the shortest chain of merges between its two records."""

    split: Decision
    merges: tuple[Decision, ...]

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """All that take part; without any one of them there is no contradiction."""
        return (*self.merges, self.split)


def contradictions(decisions: Sequence[Decision]) -> tuple[Contradiction, ...]:
    """Find every split that a chain of merges contradicts, in the order of the splits.

    Withdrawn decisions say nothing. Walks in a queue: a chain may be as long as it likes.
    """
    standing = [each for each in decisions if each.withdrawn_at is None]
    links: Links = defaultdict(list)
    for merge in (each for each in standing if each.kind == "merge"):
        links[merge.one].append((merge.other, merge))
        links[merge.other].append((merge.one, merge))
    splits = [each for each in standing if each.kind == "split"]
    chains = ((split, _chain(links, split.one, split.other)) for split in splits)
    return tuple(Contradiction(split, chain) for split, chain in chains if chain)


@dataclass(frozen=True)
class Clash:
    """The first contradiction that somebody would bring in: what is wrong, and the earlier decision in its way."""

    sentence: str
    earlier: Decision


def first_clash(decisions: Sequence[Decision]) -> Clash | None:
    """Find what is said last and does not hold with what was said before it; None where all holds together.

    `decisions` are in the order in which they were said.
    """
    place = {each.decision_id: position for position, each in enumerate(decisions)}

    def said(each: Decision) -> int:
        return place[each.decision_id]

    found = contradictions(decisions)
    if not found:
        return None
    first = min(found, key=lambda each: max(map(said, each.decisions)))
    latest = max(first.decisions, key=said)
    if latest.kind == "split":
        return _refused_split(first, max(first.merges, key=said))
    return _refused_merge(first, latest)


def refuse_contradiction(decisions: Sequence[Decision]) -> None:
    """Refuse the last of these decisions where it contradicts those before it, which stand.

    Raises RefusedError, which names the earlier one and says how to withdraw it.
    """
    clash = first_clash(decisions)
    if clash:
        command = f"rapport identity decisions withdraw {clash.earlier.decision_id}"
        raise RefusedError(
            f"{clash.sentence}; nothing changed.", f'Withdraw that one first: `{command} --reason "..."`.'
        )


def _refused_split(found: Contradiction, earlier: Decision) -> Clash:
    chain = f", one of {len(found.merges)} that tie them together," if len(found.merges) > 1 else ""
    return Clash(
        f"{found.split.one} and {found.split.other} cannot be split: {earlier.told()}{chain}"
        " says that they are one person",
        earlier,
    )


def _refused_merge(found: Contradiction, latest: Decision) -> Clash:
    split, before = found.split, len(found.merges) - 1
    what = f"{latest.one} and {latest.other} cannot be merged:"
    if before:
        merges = f"{before} merge{'s' if before > 1 else ''}"
        what += f" with {merges} from before that would make {split.one} and {split.other} one person, and"
    return Clash(f"{what} {split.told()} keeps {'these' if before else 'them'} apart", split)


def _chain(links: Links, start: Record, end: Record) -> tuple[Decision, ...]:
    """Give the merges of the shortest way between two records; none where there is no way."""
    came: dict[Record, tuple[Record, Decision] | None] = {start: None}
    waiting = deque([start])
    while waiting and end not in came:
        record = waiting.popleft()
        for neighbour, merge in links.get(record, ()):
            if neighbour not in came:
                came[neighbour] = (record, merge)
                waiting.append(neighbour)
    chain: list[Decision] = []
    step = came.get(end)
    while step is not None:
        record, merge = step
        chain.append(merge)
        step = came[record]
    return tuple(reversed(chain))
