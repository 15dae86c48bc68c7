"""Deliverability: a campaign that harms our name with providers or readers is paused by itself, and says why."""

from messaging.deliverability.breaker import Breaker, Halt, count, halt_harmful, let_go_on, standing_halts
from messaging.deliverability.file import Tolerance, read_tolerance, shipped_tolerance
from messaging.deliverability.judging import Counts, Harm, judge

__all__ = [
    "Breaker",
    "Counts",
    "Halt",
    "Harm",
    "Tolerance",
    "count",
    "halt_harmful",
    "judge",
    "let_go_on",
    "read_tolerance",
    "shipped_tolerance",
    "standing_halts",
]
