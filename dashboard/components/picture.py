"""A small picture of why records are one person: what they are known by, and what ties these together."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from dashboard import palette
from dashboard.components import charts, words
from messaging.customers.why import Evidence, Node, Step, label

MOST = 14  # points: more is no small picture
ORDERS = 2  # that lead nowhere: an example is enough
SHORT = 30  # letters of a label
STAGGER = 0.07  # of a column, every second row: ties between two of a column would lie upon one another
ROW = 46  # pixels between two points above one another
COLOURS = {"email": palette.CHANNELS["email"], "phone": palette.CHANNELS["sms"], "external_id": palette.BRAND}
KINDS = {"email": "E-mail", "phone": "Phone", "external_id": "Account"}
_BESIDE: dict[str, Any] = {"align": "left", "dx": 11, "dy": -9, "fontSize": 12}
LINKS = {"deterministic": "stated together", "probabilistic": "alike", "human": "decided by a colleague"}


@dataclass(frozen=True)
class Placed:
    """A node in the picture: its column by steps from the best known one, and its row within it."""

    node: Node
    column: float
    row: float


def picture(steps: Sequence[Step]) -> None:
    """Draw what ties a customer's records together; nothing where nothing does."""
    links = _telling([each for step in steps for each in step.evidence[:1]])
    placed = place(links)
    if len(placed) < 2:
        return
    at = {each.node: each for each in placed}
    shown = [each for each in links if each.left in at and each.right in at]
    points = pd.DataFrame([_point(each) for each in placed])
    lines = pd.DataFrame([_line(each, at) for each in shown])
    deepest = max(int(each.column) for each in placed)
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[-0.12, deepest + 0.95]))
    y = alt.Y("y:Q", axis=None)
    ties = (
        alt.Chart(lines)
        .mark_rule(color=palette.MUTED, opacity=0.65)
        .encode(
            x=x,
            y=y,
            x2="x2:Q",
            y2="y2:Q",
            size=alt.Size("width:Q", scale=None),
            strokeDash=alt.StrokeDash(
                "Tie:N",
                scale=alt.Scale(domain=[*LINKS.values()], range=[[1, 0], [4, 3], [8, 3]]),
                legend=None,
            ),
            tooltip=["Tie:N", "Seen:N", "Source:N"],
        )
    )
    base = alt.Chart(points).encode(x=x, y=y, tooltip=["Kind:N", "name:N"])
    dots = base.mark_circle(size=150, opacity=1).encode(color=alt.Color("colour:N", scale=None))
    halo = base.mark_text(**_BESIDE, stroke=palette.PAPER, strokeWidth=4).encode(text="short:N")
    names = base.mark_text(**_BESIDE, color=palette.INK).encode(text="short:N")
    rows = max(sum(int(each.column) == column for each in placed) for column in range(deepest + 1))
    told = "; ".join(
        f"{label(each.left)} and {label(each.right)} {LINKS.get(each.kind, each.kind)}" for each in shown
    )
    drawn = alt.layer(ties, halo, dots, names).properties(height=ROW * rows + 24)
    charts.show(drawn, f"What ties the records together: {told}", height=None)


def place(links: Sequence[Evidence]) -> list[Placed]:
    """Put nodes in columns by their distance from the one with most ties; at most MOST, the nearest first."""
    beside: dict[Node, list[Node]] = defaultdict(list)
    for each in links:
        beside[each.left].append(each.right)
        beside[each.right].append(each.left)
    columns: dict[Node, int] = {}
    for start in sorted(beside, key=lambda node: (-len(beside[node]), node)):
        if start in columns or len(columns) >= MOST:
            continue
        columns[start] = 0
        waiting = [start]
        while waiting and len(columns) < MOST:
            node = waiting.pop(0)
            for other in sorted(set(beside[node]) - set(columns))[: MOST - len(columns)]:
                columns[other] = columns[node] + 1
                waiting.append(other)
    by_column: dict[int, list[Node]] = defaultdict(list)
    for node, column in columns.items():
        by_column[column].append(node)
    tallest = max(map(len, by_column.values()), default=0)
    return [
        Placed(node, column + (index % 2) * STAGGER, (index + 0.5) * tallest / len(nodes))
        for column, nodes in by_column.items()
        for index, node in enumerate(nodes)
    ]


def _telling(links: Sequence[Evidence]) -> list[Evidence]:
    """Leave out all but a few orders that tie nothing to anything: they say that somebody bought, and not who it is."""
    ends = Counter(node for each in links for node in (each.left, each.right))
    bare = [each for each in links if any(_is_bare(node, ends) for node in (each.left, each.right))]
    return [each for each in links if each not in bare[ORDERS:]]


def _is_bare(node: Node, ends: Counter[Node]) -> bool:
    return node.identifier_type == "order" and ends[node] == 1


def _point(each: Placed) -> dict[str, object]:
    name = label(each.node)
    kind = each.node.identifier_type
    return {
        "x": each.column,
        "y": -each.row,
        "name": name,
        "short": name if len(name) <= SHORT else f"{name[: SHORT - 1]}…",
        "Kind": KINDS.get(kind, words.title(kind)),
        "colour": COLOURS.get(kind, palette.CHANNELS["other"]),
    }


def _line(each: Evidence, at: dict[Node, Placed]) -> dict[str, object]:
    left, right = at[each.left], at[each.right]
    return {
        "x": left.column,
        "y": -left.row,
        "x2": right.column,
        "y2": -right.row,
        "width": 1.0 + min(each.records, 8) * 0.35,
        "Tie": LINKS.get(each.kind, each.kind),
        "Seen": words.count(each.records, "record"),
        "Source": words.title(each.source or "a decision"),
    }
