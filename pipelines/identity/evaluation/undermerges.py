"""Under-merges: one person in several places, and what kept the places apart.

A person's records lie in pieces, one for each customer, and one for each record that is nobody's. The largest
piece is taken for the person, and each of the others has to be explained by what its records share with the
person's other pieces: evidence that was refused, and by which rule; an identifier that proves nothing, and why; a
close call that waits for a person; or nothing that could have been followed.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pipelines.identity.evaluation.ceiling import AGREEING, ATTRIBUTES, NAMES
from pipelines.identity.evaluation.records import Record

if TYPE_CHECKING:
    from collections.abc import Collection

    import duckdb

    from pipelines.identity.policy import Policy

ALIKE = "alike, but not surely enough"
NAME_ONLY = "nothing shared but a name"
ONE_FACT = "nothing shared but one fact"
NOTHING = "nothing shared"
NOT_LINKING = "may not link"
NO_PERSON = "tied, but nobody's: no identifier of a person on it"


@dataclass(frozen=True)
class Shared:
    """Something that two pieces of one person share, on a record of each; and why it did not tie them.

    `why` is None where nothing is recorded against it; `differs` then names a fact in which both records differ, which
    may be the reason. `value` is personal data.
    """

    what: str
    value: str
    why: str | None
    one: Record
    other: Record
    differs: str | None = None


@dataclass(frozen=True)
class Refusal:
    """Evidence between two customers that was not followed; `rule` says why, `detail` as the build wrote it."""

    rule: str
    kind: str
    types: tuple[str, str]
    one: Record
    other: Record | None
    weight: float | None
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Piece:
    """A part of a person that stands apart; `pairs` are the true pairs that are missing because of it."""

    person: int
    person_id: str
    cluster: int
    customer_id: str | None
    main_customer_id: str | None
    records: int
    pairs: int
    one: Record
    other: Record


@dataclass(frozen=True)
class UnderMerge:
    """A piece with what explains it. `cause` is one of few, to count by."""

    piece: Piece
    cause: str
    refused: tuple[Refusal, ...]
    shared: tuple[Shared, ...]

    @property
    def pairs(self) -> int:
        """Give the true pairs that are missing because of it."""
        return self.piece.pairs

    def to_document(self, *, show_values: bool) -> dict[str, Any]:
        """Give it as plain data; values of identifiers and attributes only where the reader asked for them."""
        one, other = self.records
        return {
            "person_id": self.piece.person_id,
            "customers": [self.piece.main_customer_id, self.piece.customer_id],
            "records": self.piece.records,
            "one": str(one),
            "other": str(other),
            "missing_pairs": self.piece.pairs,
            "cause": self.cause,
            "refused": [_refusal(each, show_values=show_values) for each in self.refused],
            "shared": [_shared(each, show_values=show_values) for each in self.shared],
        }

    @property
    def records(self) -> tuple[Record, Record]:
        """Give a record of the piece and one of the person's others: those that the cause is about, where it has any."""
        if self.refused and self.refused[0].other:
            return self.refused[0].one, self.refused[0].other
        if self.shared:
            return self.shared[0].one, self.shared[0].other
        return self.piece.one, self.piece.other


def _shared(shared: Shared, *, show_values: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"what": shared.what, "why": shared.why}
    found |= {"one": str(shared.one), "other": str(shared.other)}
    return found | ({"value": shared.value} if show_values else {})


def _refusal(refusal: Refusal, *, show_values: bool) -> dict[str, Any]:
    known = asdict(refusal) | {"one": str(refusal.one), "other": str(refusal.other or "") or None}
    spoken = {"one", "other", "left", "right", "comparisons"}  # they quote names and birth dates
    if not show_values:
        known["detail"] = {name: value for name, value in refusal.detail.items() if name not in spoken}
    return known


# One row per person and cluster; `place` 1 is the person's largest.
_PIECES = """
    CREATE OR REPLACE TEMP TABLE pieces AS
    WITH sized AS (
        SELECT person, person_id, cluster, customer_id, count(*) AS records, min((source, source_record_id)) AS record
        FROM judged GROUP BY ALL
    ),
    placed AS (
        SELECT *,
            row_number() OVER by_size AS place,
            first_value(customer_id) OVER by_size AS main_customer_id,
            first_value(record) OVER by_size AS main_record,
            coalesce(sum(records) OVER (by_size ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
        FROM sized
        WINDOW by_size AS (PARTITION BY person ORDER BY records DESC, customer_id IS NULL, record)
    )
    SELECT *, (records * before)::BIGINT AS pairs
    FROM placed WHERE person IN (SELECT person FROM sized GROUP BY person HAVING count(*) > 1)
"""

_APART = """
    SELECT person, person_id, cluster, customer_id, main_customer_id, records, pairs, record, main_record
    FROM pieces WHERE place > 1 ORDER BY person, place
"""

# What each piece shares with another piece of its person: the largest other one that has it too.
_SHARED = """
    WITH said AS (
        SELECT person, cluster, (source, source_record_id) AS shown, identifier_type AS what, match_key AS value,
            coalesce(reason, CASE WHEN NOT list_contains($linking, identifier_type) THEN $not_linking END) AS why
        FROM carried
        UNION ALL
        SELECT person, cluster, (source, source_record_id), what, value, NULL
        FROM (
            SELECT source, source_record_id,
                strip_accents(lower(nullif(trim(given_name), ''))) AS given_name,
                strip_accents(lower(nullif(trim(family_name), ''))) AS family_name,
                birth_date::VARCHAR AS birth_date,
                strip_accents(lower(nullif(trim(street), ''))) AS street,
                strip_accents(lower(nullif(trim(city), ''))) AS city,
                lower(nullif(replace(postcode, ' ', ''), '')) AS postcode
            FROM intermediate.int_identity__records
        ) UNPIVOT (value FOR what IN (given_name, family_name, birth_date, street, city, postcode))
        JOIN judged USING (source, source_record_id)
    ),
    held AS (
        SELECT person, place, cluster, what, value, min(why) AS why, min(shown) AS shown
        FROM said JOIN pieces USING (person, cluster)
        GROUP BY ALL
    ),
    beside AS (
        SELECT *,
            nth_value(shown, 1) OVER whole AS first_record,
            nth_value(shown, 2) OVER whole AS second_record,
            nth_value(place, 1) OVER whole AS first_place
        FROM held
        WINDOW whole AS (
            PARTITION BY person, what, value ORDER BY place
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        )
    ),
    pairs AS (
        SELECT person, cluster, what, value, why, shown,
            CASE WHEN first_place = place THEN second_record ELSE first_record END AS other_record
        FROM beside
        WHERE place > 1 AND (first_place <> place OR second_record IS NOT NULL)
    )
    SELECT pairs.*,
        CASE
            WHEN mine.birth_date <> theirs.birth_date THEN 'birth_date'
            WHEN lower(mine.given_name) <> lower(theirs.given_name) THEN 'given_name'
        END AS differs
    FROM pairs
    JOIN intermediate.int_identity__records AS mine
        ON mine.source = shown[1] AND mine.source_record_id = shown[2]
    JOIN intermediate.int_identity__records AS theirs
        ON theirs.source = other_record[1] AND theirs.source_record_id = other_record[2]
    ORDER BY pairs.person, pairs.cluster, pairs.what, pairs.value
"""

# Refused evidence between two customers of one person, seen from either side.
_REFUSED = """
    WITH sides AS (
        SELECT customer_id, other_customer_id, * EXCLUDE (customer_id, other_customer_id) FROM refused
        UNION ALL
        SELECT other_customer_id, customer_id, * EXCLUDE (customer_id, other_customer_id) FROM refused
    )
    SELECT pieces.person, pieces.cluster, sides.rule, sides.kind, sides.identifier_type, sides.other_type,
        (sides.source, sides.source_record_id), (sides.other_source, sides.other_record_id), sides.weight, sides.detail
    FROM pieces
    JOIN sides USING (customer_id)
    JOIN pieces AS others ON others.customer_id = sides.other_customer_id AND others.person = pieces.person
    WHERE pieces.place > 1 AND others.cluster <> pieces.cluster
    ORDER BY ALL
"""

REVIEW = "review"
_ALL_REFUSED = """
    CREATE OR REPLACE TEMP TABLE refused AS
    SELECT customer_id, other_customer_id, rule, kind, identifier_type, other_type, source, source_record_id,
        other_source, other_record_id, weight, detail::VARCHAR AS detail
    FROM identity.identity_refused WHERE other_customer_id IS NOT NULL
    UNION ALL
    SELECT customer_id, other_customer_id, 'review', 'probabilistic', 'record', 'record', source, source_record_id,
        other_source, other_record_id, weight, detail::VARCHAR
    FROM identity.identity_review
"""


def find_undermerges(connection: "duckdb.DuckDBPyConnection", policy: "Policy") -> list[UnderMerge]:
    """Find every piece of a person of the table `judged` that stands apart, with what explains it."""
    for statement in (_PIECES, _ALL_REFUSED):
        connection.execute(statement)
    shared: dict[tuple[int, int], list[Shared]] = defaultdict(list)
    for person, cluster, what, value, why, one, other, differs in connection.execute(
        _SHARED, {"linking": list(policy.linking()), "not_linking": NOT_LINKING}
    ).fetchall():
        shared[person, cluster].append(Shared(what, value, why, Record(*one), Record(*other), differs))
    refused: dict[tuple[int, int], list[Refusal]] = defaultdict(list)
    for person, cluster, rule, kind, one_type, other_type, one, other, weight, detail in connection.execute(
        _REFUSED
    ).fetchall():
        second = Record(*other) if other and other[0] else None
        known = json.loads(detail) if detail else {}
        refused[person, cluster].append(
            Refusal(rule, kind, (one_type, other_type), Record(*one), second, weight, known)
        )
    return [
        explain(
            piece, refused[piece.person, piece.cluster], shared[piece.person, piece.cluster], policy.naming()
        )
        for piece in (_piece(*row) for row in connection.execute(_APART).fetchall())
    ]


def _piece(*row: Any) -> Piece:
    person, person_id, cluster, customer_id, main_id, records, pairs, one, other = row
    return Piece(
        person, person_id, cluster, customer_id, main_id, records, pairs, Record(*one), Record(*other)
    )


def explain(
    piece: Piece, refused: Sequence[Refusal], shared: Sequence[Shared], naming: "Collection[str]"
) -> UnderMerge:
    """Explain one piece: the strongest of what could have tied it to the rest names the cause.

    `naming` are the identifier types that make a group of records somebody.
    """
    order = sorted(refused, key=lambda each: (each.rule == REVIEW, each.types, each.rule))
    told = sorted(shared, key=lambda each: (each.what in ATTRIBUTES, each.why is None, each.what, each.value))
    return UnderMerge(piece, _cause(order, told, naming), tuple(order), tuple(told))


def _cause(refused: Sequence[Refusal], shared: Sequence[Shared], naming: "Collection[str]") -> str:
    if refused:
        return _told(refused[0])
    identifiers = [each for each in shared if each.what not in ATTRIBUTES]
    for each in sorted(identifiers, key=lambda each: each.why == NOT_LINKING):
        if each.why is not None:
            return f"{each.what}: {each.why}"
    for each in sorted(identifiers, key=lambda each: each.what not in naming):
        differs = f", {each.differs} differs" if each.differs else ""
        return f"{each.what}: not followed{differs}" if each.what in naming else NO_PERSON
    return _in_common({each.what for each in shared})


def _in_common(facts: "Collection[str]") -> str:
    """Name what there is when no identifier is shared: these facts, on records of both."""
    common = set(facts)
    if any(common.issuperset(names) for names in AGREEING):
        return ALIKE
    if common.intersection(NAMES):
        return NAME_ONLY
    return ONE_FACT if common else NOTHING


def _told(refusal: Refusal) -> str:
    """Name a refusal by its rule and what the rule is about."""
    about = refusal.detail.get("type") or refusal.detail.get("attribute") or refusal.detail.get("reason")
    if refusal.rule == REVIEW:
        return "a close call, left for review"
    return f"refused: {refusal.rule}{f' ({about})' if about and refusal.rule != 'decided' else ''}"
