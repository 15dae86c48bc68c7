"""The way from the prior to a pair's weight, step by step, as people draw it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Step:
    """One step: its name, what was found, its weight in bits, and the sum so far."""

    name: str
    label: str
    weight: float
    total: float
    left: str | None = None
    right: str | None = None


def waterfall(detail: Mapping[str, Any]) -> tuple[Step, ...]:
    """Turn the `detail` of a scored pair into steps, the prior first; the last total is the pair's weight.

    Bits: each one doubles the odds that the two are one person.
    """
    total = float(detail["prior_weight"])
    steps = [Step("prior", "how rare a match is among all pairs", total, total)]
    for found in detail["comparisons"]:
        total += float(found["weight"])
        steps.append(
            Step(
                str(found["name"]),
                str(found["label"]),
                float(found["weight"]),
                round(total, 3),
                found.get("left"),
                found.get("right"),
            )
        )
    return tuple(steps)
