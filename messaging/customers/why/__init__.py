"""Why records are one customer, or two: the shortest evidence, or what was refused, in words that an agent says.

Everything is read from the release, and only the rows of the customers who are asked about.
"""

from messaging.customers.why.answers import why_apart_or_together, why_one
from messaging.customers.why.views import (
    CloseCall,
    Comparison,
    Evidence,
    Node,
    Refusal,
    Step,
    Waterfall,
    Whom,
    Why,
)
from messaging.customers.why.waterfall import bars, percent
from messaging.customers.why.words import label

__all__ = [
    "CloseCall",
    "Comparison",
    "Evidence",
    "Node",
    "Refusal",
    "Step",
    "Waterfall",
    "Whom",
    "Why",
    "bars",
    "label",
    "percent",
    "why_apart_or_together",
    "why_one",
]
