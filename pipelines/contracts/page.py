"""The page of a build: what every table promised and what was found, readable without us and without the internet.

One HTML file; it holds rules, owners and counts, and no row.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from data_contracts.contracts import contract_names, load_contract, published_contract
from data_contracts.model import Contract
from pipelines.contracts.changes import Change, Standing, changes, standing
from pipelines.contracts.html import draw_page, percent, write_whole
from pipelines.landing.durable import write_json
from pipelines.landing.refusals import Refusal
from pipelines.landing.results import RuleResult
from pipelines.warehouse.records import ContractState

KEEP = 30  # pages of so many builds
LATEST = "contracts-latest.html"
STANDING = "contracts-latest.json"
TEMPLATE = "page.html.j2"
MOST_CHANGES = 40
ORDER = {"red": 0, "amber": 1, "green": 2}
RULE_ORDER = {"broken": 0, "warning": 1, "set_aside": 2, "kept": 3, "unjudged": 4}


@dataclass(frozen=True)
class BuildFacts:
    """What the page says about its build; times are naive UTC. `stands` is the release that readers see after it."""

    version: str
    as_of: datetime
    built_at: datetime
    published: bool
    stands: str


@dataclass(frozen=True)
class Bar:
    """A bar in percent of its width: how much is filled, and where the rule's threshold stands (None for a warning)."""

    filled: float
    threshold: float | None


@dataclass(frozen=True)
class RuleView:
    """A rule as the page shows it."""

    result: RuleResult
    bar: Bar
    share: str


@dataclass(frozen=True)
class TableView:
    """A table as the page shows it: the rules to tell of first, then those that were kept."""

    contract: Contract
    title: str
    state: ContractState
    told: tuple[RuleView, ...]
    kept: tuple[RuleView, ...]

    @property
    def sampled(self) -> bool:
        """Say whether not every row was looked at one by one."""
        return self.state.rows_checked < self.state.rows


def write_page(
    folder: Path,
    facts: BuildFacts,
    states: Sequence[ContractState],
    refused: Sequence[Refusal] = (),
    keep: int = KEEP,
) -> Path:
    """Write the page of a build and the one that is always the latest; older ones go. Gives the path of the former.

    `refused` are the deliveries that were refused as a whole and have not been mended.
    """
    before = _read(folder / STANDING)
    text = render_page(facts, states, changes(before, states), refused)
    path = folder / f"contracts-{facts.version}.html"
    for target in (path, folder / LATEST):
        write_whole(target, text)
    write_json(folder / STANDING, before | standing(states))  # a refused build has not judged all tables
    pages = sorted(folder.glob("contracts-2*.html"), key=lambda page: page.stat().st_mtime, reverse=True)
    for page in pages[keep:]:
        page.unlink(missing_ok=True)
    return path


def render_page(
    facts: BuildFacts,
    states: Sequence[ContractState],
    changed: Sequence[Change],
    refused: Sequence[Refusal] = (),
) -> str:
    """Draw the page."""
    views = [_table(state) for state in states]
    landed = [view for view in views if view.state.table not in contract_names("published")]
    return draw_page(
        TEMPLATE,
        facts=facts,
        worst=min(
            [*(state.state for state in states), *(["amber"] if refused else [])], key=ORDER.__getitem__
        ),
        came=_sorted(view for view in landed if view.state.rows or view.state.rows_quarantined),
        silent=[view for view in landed if not view.state.rows and not view.state.rows_quarantined],
        published=_sorted(view for view in views if view not in landed),
        changes=changed[:MOST_CHANGES],
        refused=refused,
        more_changes=max(0, len(changed) - MOST_CHANGES),
        titles={view.state.table: view.title for view in views},
        totals=_totals(states),
    )


def _table(state: ContractState) -> TableView:
    published = state.table in contract_names("published")
    contract = published_contract(state.table) if published else load_contract(state.table)
    views = [_rule(result) for result in state.results]
    views.sort(key=lambda view: (RULE_ORDER[view.result.state], -view.result.share))
    told = tuple(view for view in views if view.result.state not in {"kept", "unjudged"})
    kept = tuple(view for view in views if view.result.state in {"kept", "unjudged"})
    return TableView(contract, state.table.replace("_", " ").capitalize(), state, told, kept)


def _rule(result: RuleResult) -> RuleView:
    return RuleView(result, _bar(result), percent(result.share))


def _bar(result: RuleResult) -> Bar:
    """Draw a share to a scale on which it can be seen: where there is room, the threshold stands in the middle."""
    if result.severity == "warning" or not result.threshold:
        return Bar(_visible(result.share), None)
    whole = min(1.0, max(2 * result.threshold, result.share))
    return Bar(_visible(result.share / whole), round(100 * result.threshold / whole, 2))


def _visible(share: float) -> float:
    return 0.0 if not share else round(max(1.5, min(100.0, 100 * share)), 2)


def _sorted(views: Iterable[TableView]) -> list[TableView]:
    return sorted(views, key=lambda view: (ORDER[view.state.state], view.title))


def _totals(states: Sequence[ContractState]) -> dict[str, int]:
    results = [result for state in states for result in state.results if result.state != "unjudged"]
    return {
        "tables": len([state for state in states if state.rows]),
        "green": len([state for state in states if state.rows and state.state == "green"]),
        "rows": sum(state.rows for state in states if state.table in contract_names("inbound")),
        "set_aside": sum(state.rows_quarantined for state in states),
        "rules": len(results),
        "kept": len([result for result in results if result.state == "kept"]),
    }


def _read(path: Path) -> Standing:
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
