"""The policy: what may tie two records together, and what one person may not be.

It is a file that people review (`identity.yaml`). A home's own replaces the shipped one as a whole, so that
nobody has to know what a missing line would mean.
"""

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from data_contracts.yaml_files import home_rules_file, read_rules_file
from pipelines.identity.survivorship import Survivorship

SHIPPED = Path(__file__).with_name("identity.yaml")

IdentifierType = Literal["external_id", "email", "handle", "phone", "device_id", "order", "conversation"]
TYPES: tuple[IdentifierType, ...] = (
    "external_id",
    "email",
    "handle",
    "phone",
    "device_id",
    "order",
    "conversation",
)
Limit = Annotated[int, Field(ge=1, le=1_000_000_000)]
Priority = Annotated[int, Field(ge=1, le=999)]  # scored pairs come after all of them
Share = Annotated[float, Field(gt=0, lt=1)]


class Words(BaseModel):
    """A part of the file; a word that it does not know is an error, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class IdentifierPolicy(Words):
    """What one type of identifier proves.

    `per_person` does not hold between two who are known to agree on all facts of `unless_same`.
    `mistyped` says that this identifier is typed by hand: where pairs are scored, two that are nearly equal are
    alike. It goes with no `per_person`, for two spellings are two values.

    `require` is for phones: whether a number that is merely possible may tie records.
    """

    priority: Priority
    links: bool = True
    names_a_person: bool = True
    per_person: Limit | None = None
    per_source: bool = False
    beside: dict[IdentifierType, Limit] = Field(default_factory=dict)
    most_neighbours: Limit | None = None
    reuse_after_days: Limit | None = None
    unless_same: tuple[Literal["birth_date", "given_name"], ...] = ()
    mistyped: bool = False
    require: Literal["possible", "valid"] | None = None

    @model_validator(mode="after")
    def _no_limit_on_typos(self) -> Self:
        if self.mistyped and self.per_person:
            raise ValueError("mistyped values are several for one person: leave per_person out")
        return self


class BirthDateConflict(Words):
    """Two birth dates in one person, and the evidence that this overrules."""

    refuses: tuple[IdentifierType, ...] = ()


class GivenNameConflict(Words):
    """Given names that are nobody's two spellings, and the evidence that this overrules.

    Names are alike from a Jaro-Winkler similarity of `alike_above` on. A value of a type in `divides` that
    stands on records with names that are not alike is one value per name; its records without a name go to
    the name that at least `owner_share` of the others bear, else to nobody. With more than `most_names`
    different names it is no family's, and proves nothing.
    """

    refuses: tuple[IdentifierType, ...] = ()
    divides: tuple[IdentifierType, ...] = ()
    alike_above: Share = 0.8
    owner_share: Share = 0.9
    most_names: Limit = 4


class Conflicts(Words):
    """Facts that two records of one person cannot disagree on."""

    birth_date: BirthDateConflict = BirthDateConflict()
    given_name: GivenNameConflict = GivenNameConflict()


class Probabilistic(Words):
    """Pairs that are scored: both thresholds are probabilities, None for calibrated ones."""

    enabled: bool = True
    merge_above: Share | None = None
    review_above: Share | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.merge_above and self.review_above and self.review_above > self.merge_above:
            raise ValueError("review_above lies over merge_above: nothing could ever be reviewed")
        return self


class BlockedValue(Words):
    """A value, or all that a pattern finds, which proves nothing about anybody."""

    type: IdentifierType
    value: str | None = None
    pattern: str | None = None
    reason: str = Field(min_length=1, max_length=80)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.value is None) == (self.pattern is None):
            raise ValueError("give either a value or a pattern")
        if self.pattern is not None:
            _try_pattern(self.pattern)
        return self


def _try_pattern(pattern: str) -> None:
    """Raise ValueError for what the build could not search with: RE2, which looks neither ahead nor back."""
    import duckdb

    try:
        with duckdb.connect(":memory:") as connection:
            connection.execute("SELECT regexp_matches('', ?)", [pattern])
    except duckdb.Error as error:
        raise ValueError(f"the pattern cannot be read: {str(error).partition('Error: ')[2]}") from None


class Policy(Words):
    """The whole file."""

    identifiers: dict[IdentifierType, IdentifierPolicy]
    conflicts: Conflicts = Conflicts()
    probabilistic: Probabilistic = Probabilistic()
    blocked: tuple[BlockedValue, ...] = ()
    survivorship: Survivorship = Survivorship()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [name for name in TYPES if name not in self.identifiers]
        if missing:
            raise ValueError(f"identifiers lacks {', '.join(missing)}, and every type needs its line")
        priorities = [each.priority for each in self.identifiers.values()]
        if len(set(priorities)) < len(priorities):
            raise ValueError("two identifiers have one priority, so their claims could not be put in order")
        return self

    @cached_property
    def fingerprint(self) -> str:
        """Name what decides who is whom: another fingerprint, and people have to be resolved anew.

        The order of the file's lines makes no difference.
        """
        rules = json.dumps(self.model_dump(mode="json", exclude={"survivorship"}), sort_keys=True)
        return hashlib.sha256(rules.encode()).hexdigest()[:16]

    def by_priority(self) -> tuple[IdentifierType, ...]:
        """Give the types, the strongest evidence first."""
        return tuple(sorted(self.identifiers, key=lambda name: self.identifiers[name].priority))

    def naming(self) -> tuple[IdentifierType, ...]:
        """Give the types that make a group of records somebody, the strongest first."""
        return tuple(
            name
            for name in self.by_priority()
            if self.identifiers[name].names_a_person and self.identifiers[name].links
        )

    def linking(self) -> tuple[IdentifierType, ...]:
        """Give the types that may tie records together, the strongest first."""
        return tuple(name for name in self.by_priority() if self.identifiers[name].links)


def load_policy(path: Path = SHIPPED) -> Policy:
    """Read a policy file; without one, the shipped policy. Raises InputError that names what is wrong in it."""
    return read_rules_file(path, Policy)


def home_policy(home: Path) -> Policy:
    """Read the policy of an installation: its own file where it has one, else the shipped one."""
    return load_policy(home_rules_file(home, SHIPPED))
