"""From identifiers to numbers: each record and each key becomes a 64-bit hash.

Two texts that share a hash would make one person of two strangers. At 30 million keys the odds are 2 in
100,000; they are not trusted but counted: a build in which it happens stops.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data_contracts.errors import BuildError

if TYPE_CHECKING:
    import duckdb

# Keys that make a component somebody: a component held together by an order number alone is a guest's.
PERSONAL_TYPES = ("email", "phone", "external_id", "handle")
# Keys that tie records together. A device does not: kiosks and shared tablets made one "person" of 24,308
# in trials.
LINKING_TYPES = (*PERSONAL_TYPES, "order", "conversation")

_EVIDENCE = """
    CREATE OR REPLACE TEMP TABLE identity_evidence AS
    SELECT
        hash(source || chr(31) || source_record_id) AS record,
        hash(identifier_type || ':' || match_key) AS key,
        list_contains(?, identifier_type) AS personal,
        source, source_record_id, occurred_at, identifier_type, match_key
    FROM intermediate.int_identity__identifiers
    WHERE refused_reason IS NULL AND list_contains(?, identifier_type)
"""

_COLLISIONS = """
    SELECT
        (SELECT count(*) FROM (SELECT DISTINCT source, source_record_id FROM identity_evidence))
        - (SELECT count(DISTINCT record) FROM identity_evidence),
        (SELECT count(*) FROM (SELECT DISTINCT identifier_type, match_key FROM identity_evidence))
        - (SELECT count(DISTINCT key) FROM identity_evidence)
"""


@dataclass(frozen=True)
class Evidence:
    """One entry per record and key on it: their hashes, and whether the key is a person's own."""

    record: NDArray[np.uint64]
    key: NDArray[np.uint64]
    personal: NDArray[np.bool_]


def read_evidence(connection: "duckdb.DuckDBPyConnection") -> Evidence:
    """Hash what dbt prepared in int_identity__identifiers, leaving out what it refused.

    Keeps the rows in the temporary table `identity_evidence`, to name the records again afterwards.
    Raises BuildError when two texts have one hash.
    """
    connection.execute(_EVIDENCE, [list(PERSONAL_TYPES), list(LINKING_TYPES)])
    if any(connection.execute(_COLLISIONS).fetchall()[0]):
        raise BuildError(
            "Two identifiers have the same 64-bit hash, so people cannot be told apart.",
            "Report this; until then, leave out the source that was added last.",
        )
    columns = connection.execute("SELECT record, key, personal FROM identity_evidence").fetchnumpy()
    return Evidence(
        np.asarray(columns["record"], dtype=np.uint64),
        np.asarray(columns["key"], dtype=np.uint64),
        np.asarray(columns["personal"], dtype=np.bool_),
    )
