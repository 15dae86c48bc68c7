"""Which records a build gathers: all of them, or those that what is new can make a difference to.

Two records of which no chain of identifiers and decisions leads from one to the other cannot change what the other
becomes: reuse, contested names, neighbours, profiles and people are all read from records that share an identifier.
So a part gathers its records, and all that such chains lead to from what these say and said. What identity makes of
them is what it makes of them among all, for the same queries run over fewer rows. Identifiers that are refused are no
links; what is refused may be refused by what all records say, and is compared in every build.

Where pairs are scored, these tie people too. What is scored are people as identifiers alone make them: so they are
gathered first, scored (linking/rescoring.py), and then with them all whom pairs tie to them, now or before.

`identity.carried(record, key)` is kept for it from build to build, and `identity.refused_values`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from messaging.identity_decisions import Decision
from pipelines.identity.identifiers import IDENTIFIERS
from pipelines.identity.linking.frequencies import name_frequencies
from pipelines.identity.linking.rescoring import keep_pairs
from pipelines.identity.linking.scorer import PairScorer
from pipelines.identity.policy import Policy
from pipelines.identity.remembered import JUDGES
from pipelines.warehouse.connection import has_table

if TYPE_CHECKING:
    import duckdb

LARGEST_PART = 0.4  # of all records: beyond that, gathering all of them is as cheap

# Whose answers are kept beside the judges': what a number is, what a domain is, and what a hash is.
KEEPERS = (*JUDGES, "phonenumbers", "idna", "duckdb")

_RECORD = "hash(source || chr(31) || source_record_id)"

_ALL = (
    "CREATE OR REPLACE TEMP VIEW identity_records AS FROM intermediate.int_identity__records",
    IDENTIFIERS,
)

# Everything that is refused now, with what identity_blocked says of it; also of types that tie nothing.
_REFUSED_NOW = """
    CREATE OR REPLACE TEMP TABLE refused_now AS
    SELECT identifier_type, match_key, refused_reason AS reason, count(*) AS records,
        min(occurred_at) AS first_seen_at, max(occurred_at) AS last_seen_at
    FROM identifiers
    WHERE refused_reason IS NOT NULL
    GROUP BY ALL
"""

# A decision ties its two records as an identifier would, also when it says that they are two.
_DECIDED = """
    CREATE OR REPLACE TEMP TABLE gathering_decided AS
    WITH said AS (
        SELECT unnest(?::VARCHAR[]) AS decision_id, unnest(?::VARCHAR[]) AS source,
            unnest(?::VARCHAR[]) AS source_record_id, unnest(?::VARCHAR[]) AS other_source,
            unnest(?::VARCHAR[]) AS other_record_id
    )
    SELECT decision_id, source, source_record_id FROM said
    UNION ALL SELECT decision_id, other_source, other_record_id FROM said
"""

# Records that are new or say something else; records about which people have decided since, or no longer; and records
# with a value that was not refused, or is not any more, or for another reason.
_SEEDS = f"""
    CREATE OR REPLACE TEMP TABLE gathering_records AS
    WITH decided AS (
        (FROM gathering_decided EXCEPT FROM state.last_decisions)
        UNION ALL (FROM state.last_decisions EXCEPT FROM gathering_decided)
    ),
    judged AS (
        (SELECT identifier_type, match_key, reason FROM refused_now
            EXCEPT SELECT identifier_type, match_key, reason FROM identity.refused_values)
        UNION ALL
        (SELECT identifier_type, match_key, reason FROM identity.refused_values
            EXCEPT SELECT identifier_type, match_key, reason FROM refused_now)
    )
    SELECT {_RECORD} AS record FROM increment.records
    UNION SELECT {_RECORD} FROM decided
    UNION SELECT {_RECORD} FROM identifiers SEMI JOIN judged USING (identifier_type, match_key)
"""  # noqa: S608 - our own text

_NEW = f"""
    CREATE OR REPLACE TEMP TABLE carried_anew AS
    SELECT {_RECORD} AS record, hash(identifier_type || ':' || match_key) AS key
    FROM identifiers
    WHERE match_key IS NOT NULL AND refused_reason IS NULL AND list_contains(?, identifier_type)
        AND {_RECORD} IN (SELECT record FROM gathering_records)
"""  # noqa: S608 - our own text

# What new records carry, and what they carried: whoever they leave may change as much as whoever they join.
_LINKS = f"""
    CREATE OR REPLACE TEMP VIEW gathering_links AS
    SELECT record, key FROM identity.carried
    UNION ALL SELECT record, key FROM carried_anew
    UNION ALL SELECT {_RECORD}, hash('decision', decision_id) FROM gathering_decided
"""  # noqa: S608 - our own text

# What a score ties, now or before, beside that.
_FURTHER_LINKS = f"{_LINKS} UNION ALL SELECT unnest([one, other]), hash('pair', one, other) FROM linking_ties"  # noqa: S608
_FURTHER = (
    _FURTHER_LINKS,
    "INSERT INTO gathering_records FROM linking_changed ANTI JOIN gathering_records USING (record)",
    "CREATE OR REPLACE TEMP TABLE gathering_edge AS FROM gathering_records",
)

_BEGIN = (
    "CREATE OR REPLACE TEMP TABLE gathering_keys (key UBIGINT)",
    "CREATE OR REPLACE TEMP TABLE gathering_edge AS FROM gathering_records",
)
_NEXT_KEYS = """
    CREATE OR REPLACE TEMP TABLE gathering_reached AS
    SELECT DISTINCT key FROM gathering_links SEMI JOIN gathering_edge USING (record)
    ANTI JOIN gathering_keys USING (key)
"""
_NEXT_RECORDS = """
    CREATE OR REPLACE TEMP TABLE gathering_edge AS
    SELECT DISTINCT record FROM gathering_links SEMI JOIN gathering_reached USING (key)
    ANTI JOIN gathering_records USING (record)
"""
# Who claims an id is decided among all who have records of its customer; also of who is nobody's at the moment and
# may come back.
_NEXT_CUSTOMERS = f"""
    CREATE OR REPLACE TEMP TABLE gathering_edge AS
    WITH given AS (SELECT {_RECORD} AS record, customer_id FROM state.record_customer),
    theirs AS (SELECT DISTINCT customer_id FROM given SEMI JOIN gathering_records USING (record))
    SELECT record FROM given SEMI JOIN theirs USING (customer_id) ANTI JOIN gathering_records USING (record)
"""  # noqa: S608 - our own text

_OF_PART = f"""
    CREATE OR REPLACE TEMP TABLE part_records AS
    FROM intermediate.int_identity__records WHERE {_RECORD} IN (SELECT record FROM gathering_records)
"""  # noqa: S608 - our own text
_ON_PART = f"""
    CREATE OR REPLACE TEMP TABLE part_identifiers AS
    FROM all_identifiers WHERE {_RECORD} IN (SELECT record FROM gathering_records)
"""  # noqa: S608 - our own text
_PART = (
    _OF_PART,
    _ON_PART,
    "CREATE OR REPLACE TEMP VIEW identity_records AS FROM part_records",
    "CREATE OR REPLACE TEMP VIEW identifiers AS FROM part_identifiers",
)

_KEEP_PART = (
    "DELETE FROM identity.carried WHERE record IN (SELECT record FROM gathering_seeds)",
    "INSERT INTO identity.carried FROM carried_anew",
)

# What was kept is of one build, and the ids in the state are of that build too unless one died in between.
_KEPT_BY = """
    CREATE OR REPLACE TABLE identity.gathered_by AS
    SELECT ?::VARCHAR AS fingerprint, build_id FROM state.last_build
"""
_KEPT_LAST = "SELECT fingerprint FROM identity.gathered_by SEMI JOIN state.last_build USING (build_id)"

_KEEP_WHOLE = "CREATE OR REPLACE TABLE identity.carried AS FROM evidence_carried"
_KEEP_REFUSED = "CREATE OR REPLACE TABLE identity.refused_values AS FROM refused_now"


@dataclass(frozen=True)
class Gathered:
    """How many records of `total` a build gathered, and why it was all of them: nothing where it was a part."""

    records: int
    whole_because: str
    total: int

    @property
    def is_part(self) -> bool:
        """Say whether records were left out."""
        return not self.whole_because


def gather(
    connection: "duckdb.DuckDBPyConnection",
    policy: Policy,
    decisions: Sequence[Decision],
    link: PairScorer | None = None,
    because: str = "",
) -> Gathered:
    """Make the temporary views `identity_records` and `identifiers` those of the records that a build has to read.

    `because` says why it has to be all of them, where that is known already. Leaves, of a part,
    `gathering_records(record)`, `gathering_keys(key)` (the identifiers that link them) and `carried_anew`, and of any
    build `refused_now`. Where pairs are scored (`link`), this is who is scored: `gather_further` when that is done.
    """
    for query in _ALL:
        connection.execute(query)
    connection.execute(_REFUSED_NOW)
    total = int(connection.execute("SELECT count(*) FROM identity_records").fetchall()[0][0])
    whole = because or _unkept(connection, policy, link)
    if whole:
        return Gathered(total, whole, total)
    _begin(connection, policy, decisions)
    return _gathered(connection, total, customers=link is None)


def gather_further(connection: "duckdb.DuckDBPyConnection", gathered: Gathered, because: str) -> Gathered:
    """Gather with those who were scored all whom pairs tie to them; all records where there is a reason `because`."""
    if because:
        return _all(connection, gathered.total, because)
    for query in _FURTHER:
        connection.execute(query)
    return _gathered(connection, gathered.total, customers=True)


def keep_gathered(
    connection: "duckdb.DuckDBPyConnection", policy: Policy, link: PairScorer | None, gathered: Gathered
) -> None:
    """Keep, in the transaction that publishes, what the next part has to know."""
    for query in (*(_KEEP_PART if gathered.is_part else (_KEEP_WHOLE,)), _KEEP_REFUSED):
        connection.execute(query)
    keep_pairs(connection, scored=link is not None, part=gathered.is_part)
    connection.execute(_KEPT_BY, [_fingerprint(connection, policy, link)])


def _unkept(connection: "duckdb.DuckDBPyConnection", policy: Policy, link: PairScorer | None) -> str:
    """Say why what the last build kept does not do, if so."""
    if policy.blocked:
        return "the policy lists values, which are looked for in all records"
    if not has_table(connection, "identity", "gathered_by"):
        return "nothing was kept of the last build"
    kept = connection.execute(_KEPT_LAST).fetchall()
    if not kept:
        return "the last build that gave ids did not publish them"
    if kept != [(_fingerprint(connection, policy, link),)]:
        return "the policy, a library or what pairs are scored by is not what the last build was made by"
    return ""


def _fingerprint(connection: "duckdb.DuckDBPyConnection", policy: Policy, link: PairScorer | None) -> str:
    scored = (link.fingerprint, name_frequencies(connection)) if link else ()
    return "|".join((policy.fingerprint, *(version(name) for name in KEEPERS), *scored))


def _begin(connection: "duckdb.DuckDBPyConnection", policy: Policy, decisions: Sequence[Decision]) -> None:
    """Write `gathering_records`, what is new, and what ties records to it."""
    connection.execute(
        _DECIDED,
        [
            [each.decision_id for each in decisions],
            [each.source for each in decisions],
            [each.source_record_id for each in decisions],
            [each.other_source for each in decisions],
            [each.other_record_id for each in decisions],
        ],
    )
    connection.execute(_SEEDS)
    connection.execute("CREATE OR REPLACE TEMP TABLE gathering_seeds AS FROM gathering_records")
    connection.execute(_NEW, [list(policy.linking())])
    for query in (_LINKS, *_BEGIN):
        connection.execute(query)


def _gathered(connection: "duckdb.DuckDBPyConnection", total: int, *, customers: bool) -> Gathered:
    if _follow(connection, int(LARGEST_PART * total), customers=customers):
        for query in _PART:
            connection.execute(query)
        return Gathered(_count(connection, "part_records"), "", total)
    return _all(connection, total, f"more than {LARGEST_PART:.0%} of the records are tied to what is new")


def _all(connection: "duckdb.DuckDBPyConnection", total: int, because: str) -> Gathered:
    for query in _ALL:
        connection.execute(query)
    return Gathered(total, because, total)


def _follow(connection: "duckdb.DuckDBPyConnection", most: int, *, customers: bool) -> bool:
    """Add to `gathering_records` all that links lead to, unless those are more than `most`."""
    while _count(connection, "gathering_edge"):
        while _count(connection, "gathering_edge"):
            if _count(connection, "gathering_records") > most:
                return False
            for query in (_NEXT_KEYS, _NEXT_RECORDS):
                connection.execute(query)
            connection.execute("INSERT INTO gathering_keys FROM gathering_reached")
            connection.execute("INSERT INTO gathering_records FROM gathering_edge")
        if customers:
            connection.execute(_NEXT_CUSTOMERS)
            connection.execute("INSERT INTO gathering_records FROM gathering_edge")
    return True


def _count(connection: "duckdb.DuckDBPyConnection", table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])  # noqa: S608 - ours
