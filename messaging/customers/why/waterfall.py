"""Why a probability is what it is: its weights, read from the release and drawn as bars of text."""

import json
from typing import Any

from messaging.customers.why.views import Comparison, Waterfall

BAR = 24  # characters on either side of the middle
BLOCK = "█"


def read_waterfall(detail: str | dict[str, Any] | None, weight: float | None) -> Waterfall | None:
    """Read the weights that a probabilistic edge carries; None where it carries none."""
    found = json.loads(detail) if isinstance(detail, str) else detail or {}
    if "comparisons" not in found:
        return None
    comparisons = tuple(
        Comparison(each["name"], each["label"], float(each["weight"]), each.get("left"), each.get("right"))
        for each in found["comparisons"]
    )
    prior = float(found["prior_weight"])
    total = prior + sum(each.weight for each in comparisons) if weight is None else weight
    return Waterfall(prior, comparisons, total, float(found["probability"]))


def bars(waterfall: Waterfall) -> list[str]:
    """Draw a waterfall as lines of text: each bar begins where the one before ended."""
    rows = [("any two records", waterfall.prior)]
    rows += [(f"{_plain(each.name)}: {each.label}", each.weight) for each in waterfall.comparisons]
    ends, at = [], 0.0
    for _, weight in rows:
        ends.append((at, at + weight))
        at += weight
    reach = max(*(abs(edge) for pair in ends for edge in pair), abs(waterfall.total), 1.0)
    width = max(len(name) for name, _ in rows)
    drawn = [
        f"{name:<{width}}  {weight:+6.1f}  {_bar(*pair, reach)}"
        for (name, weight), pair in zip(rows, ends, strict=True)
    ]
    total = f"{'together':<{width}}  {waterfall.total:+6.1f}  {_bar(0, waterfall.total, reach)}"
    return [*drawn, f"{total}  {percent(waterfall.probability)}"]


def percent(probability: float) -> str:
    """Write a probability as people read it; nothing that was compared is ever quite certain."""
    if probability > 0.999:
        return "over 99.9 %"
    if probability < 0.001:
        return "under 0.1 %"
    return f"{100 * probability:.1f} %"


def _bar(begins: float, ends: float, reach: float) -> str:
    low, high = sorted((round(BAR * begins / reach), round(BAR * ends / reach)))
    filled = set(range(low, high)) or {min(low, BAR - 1)}
    line = "".join(BLOCK if place in filled else "│" if place == 0 else " " for place in range(-BAR, BAR))
    return line.rstrip()


def _plain(name: str) -> str:
    return name.replace("_", " ")
