"""What a decision is: two records, whether they are one person, who said so, when and why."""

import unicodedata
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

from data_contracts.errors import UsageError

Kind = Literal["merge", "split"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LONGEST_AUTHOR = 200  # characters
LONGEST_REASON = 2000
UNPRINTABLE = ("Cc", "Cs")  # control characters and halves of pairs: no file and no database keeps them


class Record(NamedTuple):
    """A record by its name, such as `shopify/contact/7100030218911`."""

    source: str
    source_record_id: str

    def __str__(self) -> str:
        return f"{self.source}/{self.source_record_id}"


@dataclass(frozen=True)
class Decision:
    """What a person decided about two records. Times are naive UTC; it stands until it is withdrawn."""

    decision_id: str
    kind: Kind
    source: str
    source_record_id: str
    other_source: str
    other_record_id: str
    author: str
    reason: str
    decided_at: datetime
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None
    withdrawn_reason: str | None = None

    @property
    def one(self) -> Record:
        """The first of the two records, by name."""
        return Record(self.source, self.source_record_id)

    @property
    def other(self) -> Record:
        """The second of the two records."""
        return Record(self.other_source, self.other_record_id)

    @property
    def subject(self) -> tuple[Kind, Record, Record]:
        """What is decided, whoever says it: two decisions with the same subject say the same."""
        return self.kind, self.one, self.other

    def told(self) -> str:
        """Name the decision in a sentence: its id, who took it, and when."""
        return f"the {self.kind} {self.decision_id} by {self.author} of {self.decided_at:%Y-%m-%d %H:%M} UTC"

    def to_document(self) -> dict[str, Any]:
        """Give the decision as plain data."""
        return asdict(self)


def read_record(text: str) -> Record | None:
    """Read a record's name; None where the text is none. No source has a slash in its name."""
    source, slash, source_record_id = text.partition("/")
    return Record(source, source_record_id) if slash and source and source_record_id else None


def in_order(one: Record, other: Record) -> tuple[Record, Record]:
    """Give two records in the order of their names, for A with B is B with A.

    Raises UsageError where they are one record.
    """
    if one == other:
        raise UsageError(f"Both sides are the record {one}.", "Name two records.")
    first, second = sorted((one, other))
    return first, second


def checked_words(text: str, what: str, longest: int) -> str:
    """Give words without what surrounds them. Raises UsageError where none are left, or too many."""
    words = text.strip()
    if any(unicodedata.category(letter) in UNPRINTABLE and letter != "\n" for letter in words):
        raise UsageError(f"The {what} holds a character that cannot be shown.", "Write it in plain words.")
    if not words:
        raise UsageError(f"The {what} is empty.", f"Give the {what}: whoever asks later has nothing else.")
    if len(words) > longest:
        raise UsageError(f"The {what} has {len(words):,} characters.", f"Use at most {longest:,}.")
    return words
