"""How much of the truth could be found at all, in what the records say.

An oracle joins records of one person, and never of two, wherever that person's own records lead from one to the
other. Like a build it makes nobody a customer of whom only order numbers or conversations are known: records that
hang together by those alone stay single. Two ceilings, both as a share of the true pairs:

- `identifiers`: by identifiers that may link (the policy's linking types), compared as the build compares them.
  Values that prove nothing by themselves (placeholders, the company's own addresses, listed ones) lead nowhere.
  Values that were only *learned* to prove nothing, because too many records share them, do lead on here: a
  policy that blocks more must not lower the ceiling that it is held against.
- `attributes`: by those, and by any two of given name, family name, birth date, street, city and postcode, other than
  the two names alone. Letter case and accents aside, both have to be equal on both records; a path may go from
  one such pair to the next. Scoring that forgives mistyping may go a little beyond it.

What is above both ceilings are pairs of records that share nothing but perhaps a name, which proves nothing.
"""

from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipelines.identity.evaluation.records import LEARNED
from pipelines.identity.evaluation.score import DIGITS, Labels, score

if TYPE_CHECKING:
    import duckdb

    from pipelines.identity.policy import Policy

NAMES = ("given_name", "family_name")
ATTRIBUTES = (*NAMES, "birth_date", "street", "city", "postcode")
AGREEING = tuple(pair for pair in combinations(ATTRIBUTES, 2) if pair != NAMES)


@dataclass(frozen=True)
class Ceiling:
    """Pair recall of the oracle: by identifiers alone, and by attributes as well."""

    identifiers: float
    attributes: float

    def to_document(self) -> dict[str, float]:
        """Give both shares as plain data."""
        return {name: round(value, DIGITS) for name, value in asdict(self).items()}


# Both tables are those of `judge_records`; keys are hashed with their person, so
# that nothing leads from one person to another.
_BY_IDENTIFIER = """
    SELECT record, hash(person, identifier_type, match_key) AS tie, list_contains(?, identifier_type) AS names
    FROM carried
    WHERE list_contains(?, identifier_type) AND (reason IS NULL OR list_contains(?, reason))
"""

_BY_ATTRIBUTES = """
    WITH pairs AS (SELECT unnest(?) AS duo),
    folded AS (
        SELECT judged.record, judged.person, map {
            'given_name': strip_accents(lower(nullif(trim(given_name), ''))),
            'family_name': strip_accents(lower(nullif(trim(family_name), ''))),
            'birth_date': birth_date::VARCHAR,
            'street': strip_accents(lower(nullif(trim(street), ''))),
            'city': strip_accents(lower(nullif(trim(city), ''))),
            'postcode': lower(nullif(replace(postcode, ' ', ''), ''))
        } AS said
        FROM judged JOIN intermediate.int_identity__records USING (source, source_record_id)
    )
    SELECT record, hash(person, duo, said[duo[1]], said[duo[2]]) AS tie, true AS names
    FROM folded, pairs
    WHERE said[duo[1]] IS NOT NULL AND said[duo[2]] IS NOT NULL
"""


def recall_ceiling(connection: "duckdb.DuckDBPyConnection", policy: "Policy") -> Ceiling:
    """Give both ceilings for the records of the tables `judged` and `carried`, of a build that `connection` sees."""
    person = np.asarray(
        connection.execute("SELECT person FROM judged ORDER BY record").fetchnumpy()["person"]
    )
    learned = [list(policy.naming()), list(policy.linking()), list(LEARNED)]
    ties = [
        connection.execute(_BY_IDENTIFIER, learned).fetchnumpy(),
        connection.execute(_BY_ATTRIBUTES, [[list(duo) for duo in AGREEING]]).fetchnumpy(),
    ]
    record, tie, names = ([np.asarray(each[name]) for each in ties] for name in ("record", "tie", "names"))
    return Ceiling(
        score(joined(len(person), record[0], tie[0], names[0]), person).recall,
        score(joined(len(person), *map(np.concatenate, (record, tie, names))), person).recall,
    )


def joined(records: int, record: Labels, tie: Labels, names: Labels) -> Labels:
    """Label each record as `tied` does, but for groups in which no entry `names` a person: those stay single."""
    group = tied(records, record, tie)
    somebody = np.zeros(int(group.max(initial=-1)) + 1, dtype=np.bool_)
    somebody[group[record[names.astype(np.bool_)]]] = True
    return np.where(somebody[group], group, len(somebody) + np.arange(records))


def tied(records: int, record: Labels, tie: Labels) -> Labels:
    """Label each of `records` records by what it hangs together with: entry by entry, a record has a tie."""
    ties, number = np.unique(tie, return_inverse=True)
    size = records + len(ties)
    graph = coo_array((np.ones(len(number)), (record, records + number)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1])[:records]
