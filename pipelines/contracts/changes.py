"""What changed between two builds, rule by rule: counts and names, as the page tells them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pipelines.warehouse.records import ContractState

Standing = dict[str, Any]  # what is kept of a build for the next one
TABLE_WORDS = {"green": "keeps all its promises", "amber": "needs a look", "red": "was refused"}


@dataclass(frozen=True)
class Change:
    """One thing that is better, worse or just different since the build before."""

    kind: Literal["better", "worse", "other"]
    table: str
    what: str


def standing(states: Iterable[ContractState]) -> Standing:
    """Keep what the next build is compared with: states and counts of each table and rule."""
    return {
        state.table: {
            "state": state.state,
            "rows": state.rows,
            "set_aside": state.rows_quarantined,
            "rules": {result.rule: [result.state, result.failed] for result in state.results},
        }
        for state in states
    }


def changes(before: Standing, states: Iterable[ContractState]) -> list[Change]:
    """Tell what changed since a build, what became worse first."""
    order = {"worse": 0, "better": 1, "other": 2}
    found = [
        change for state in states for change in _of_table(before.get(state.table) or {}, state) if before
    ]
    return sorted(found, key=lambda change: order[change.kind])


def _of_table(before: Mapping[str, Any], state: ContractState) -> Iterable[Change]:
    if not before:
        yield Change("other", state.table, "is new")
        return
    weight = ("green", "amber", "red")
    if before["state"] != state.state:
        worse = weight.index(state.state) > weight.index(before["state"])
        yield Change("worse" if worse else "better", state.table, TABLE_WORDS[state.state])
    if state.rows != before["rows"]:
        yield Change("other", state.table, f"has {_rows(state.rows - before['rows'])}")
    if aside := state.rows_quarantined - before["set_aside"]:
        kind: Literal["better", "worse"] = "worse" if aside > 0 else "better"
        yield Change(kind, state.table, f"{_rows(aside)} set aside")
    yield from _of_rules(before["rules"], state)


def _of_rules(before: Mapping[str, list[Any]], state: ContractState) -> Iterable[Change]:
    calm = {"kept", "unjudged"}
    for result in state.results:
        if result.rule not in before:
            yield Change("other", state.table, f"has a new rule: {result.sentence}")
            continue
        was, failed = before[result.rule]
        if was in calm and result.state not in calm:
            yield Change(
                "worse", state.table, f"{result.failed:,} {_word(result.failed)} not so: {result.sentence}"
            )
        elif was not in calm and result.state in calm:
            yield Change("better", state.table, f"mended: {result.sentence}")
        elif result.failed != failed:
            kind: Literal["better", "worse"] = "worse" if result.failed > failed else "better"
            yield Change(kind, state.table, f"{_rows(result.failed - failed)} not so: {result.sentence}")


def _rows(more: int) -> str:
    """Write a difference for people: 3 more rows, 1 row fewer."""
    return f"{more:,} more {_word(more)}" if more > 0 else f"{-more:,} {_word(-more)} fewer"


def _word(number: int) -> str:
    return "row" if number == 1 else "rows"
