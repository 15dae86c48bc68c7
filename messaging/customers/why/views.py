"""What a question of why is answered with: plain, frozen, ready for a page or a JSON document."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from messaging.customers.journal import JournalEntry


class Node(NamedTuple):
    """What is tied to something: a key, or a record that has none (type 'record', 'source/source_record_id')."""

    identifier_type: str
    match_key: str


@dataclass(frozen=True)
class Comparison:
    """One thing in which two records were compared, and how much it speaks for one person (log2 of the odds)."""

    name: str
    label: str
    weight: float
    left: str | None
    right: str | None


@dataclass(frozen=True)
class Waterfall:
    """How a probability came to be: from the odds that any two records are one person, comparison by comparison.

    Weights are log2 of the odds and add up to `total`. The probability is calibrated: it is how often pairs like this
    one were right, which is less than the weights alone would say of people who share a house and a name.
    """

    prior: float
    comparisons: tuple[Comparison, ...]
    total: float
    probability: float


@dataclass(frozen=True)
class Evidence:
    """An example of what ties two nodes, or would: whose records, how many, when, of which source."""

    kind: str  # deterministic | probabilistic | human
    left: Node
    right: Node
    source: str | None
    source_record_id: str | None
    origin_table: str | None
    records: int
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    other_source: str | None = None
    other_record_id: str | None = None
    waterfall: Waterfall | None = None


@dataclass(frozen=True)
class Step:
    """One step of the way from one side to the other, or one thing that ties a customer's records together."""

    sentence: str
    evidence: tuple[Evidence, ...]  # one a source, the strongest first

    @property
    def waterfall(self) -> Waterfall | None:
        """Give the weights, where the step is a likeness and no identifier."""
        return next((each.waterfall for each in self.evidence if each.waterfall), None)


@dataclass(frozen=True)
class Refusal:
    """Evidence that was not followed, and the rule that refused it: limit, conflict, blocked, decided, not_linking."""

    sentence: str
    rule: str
    customer_id: str
    other_customer_id: str | None
    evidence: Evidence
    detail: dict[str, Any]


@dataclass(frozen=True)
class CloseCall:
    """Two customers who look alike, but not enough to be joined: somebody has to decide."""

    sentence: str
    review_id: str
    customer_id: str
    other_customer_id: str
    records: tuple[str, str]  # source/source_record_id of each side
    waterfall: Waterfall


@dataclass(frozen=True)
class Whom:
    """A side of the question: the customer whom it names today, and the node where it hangs, if it names one."""

    customer_id: str
    name: str | None
    node: Node | None


@dataclass(frozen=True)
class Why:
    """The answer: whether both sides are one customer, in words, with the evidence that says so.

    With one side, `other` is None and `steps` are what ties that customer's records together. `distance` is the
    number of steps between the two sides, of which `steps` may leave out the middle ones.
    """

    same: bool
    one: Whom
    other: Whom | None
    sentences: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    distance: int | None = None
    refused: tuple[Refusal, ...] = ()
    review: tuple[CloseCall, ...] = ()
    sources: tuple[tuple[str, int], ...] = ()
    aliases: tuple[str, ...] = ()
    journal: tuple[JournalEntry, ...] = ()  # oldest first
    missing: tuple[str, ...] = ()  # tables that this release does not carry

    def to_document(self) -> dict[str, Any]:
        """Give the answer as a JSON document."""
        return asdict(self)
