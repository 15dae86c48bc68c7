"""The table: what was measured, beside what it is held against."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One measurement. `cpu_seconds` is None where there was no result; memory is over the interpreter's."""

    way: str
    cpu_seconds: float | None
    seconds: float | None = None
    megabytes: float | None = None
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """A figure of ours and the one it has to reach: at most that one, or at least."""

    what: str
    reached: float
    goal: float
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Say whether it is reached."""
        return self.reached >= self.goal if self.at_least else self.reached <= self.goal


@dataclass(frozen=True)
class Section:
    """Rows about one thing, from one seed or several, and what follows from them."""

    title: str
    seeds: Sequence[int]
    rows: Sequence[Row]
    verdicts: Sequence[Verdict] = ()
    notes: Sequence[str] = ()

    def to_document(self) -> dict[str, Any]:
        """Give it as plain data."""
        verdicts = [{**asdict(each), "holds": each.holds} for each in self.verdicts]
        return {**asdict(self), "seeds": list(self.seeds), "verdicts": verdicts}


def show(section: Section) -> None:
    """Print a section for a person."""
    seeds = ", ".join(str(seed) for seed in section.seeds)
    print(f"\n{section.title}" + (f"  (seed {seeds})" if seeds else ""))
    print(f"  {'':<38} {'CPU s':>8} {'wall s':>8} {'MB':>7}")
    for row in section.rows:
        figures = "  ".join(f"{name} {_figure(value)}" for name, value in row.figures.items())
        columns = f"{_seconds(row.cpu_seconds)} {_seconds(row.seconds)} {_whole(row.megabytes)}"
        print(f"  {row.way:<38} {columns}  {figures}".rstrip())
    for note in section.notes:
        print(f"  {note}")
    for each in section.verdicts:
        sign = ">=" if each.at_least else "<="
        ends = "reached" if each.holds else "NOT REACHED"
        print(f"  {each.what}: {_figure(each.reached)} ({sign} {each.goal:g}) {ends}")


def _figure(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) > 1 else f"{value:.4g}"


def _seconds(value: float | None) -> str:
    return f"{value:8.2f}" if value is not None else f"{'-':>8}"


def _whole(value: float | None) -> str:
    return f"{value:7,.0f}" if value is not None else f"{'-':>7}"
