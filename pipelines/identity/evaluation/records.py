"""The records that are judged: those that a build has and the truth names, with what the build made of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from data_contracts.errors import InputError
from pipelines.identity.identifiers import view_identifiers

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, order=True)
class Record:
    """A record by its name, which is no personal data."""

    source: str
    source_record_id: str

    def __str__(self) -> str:
        return f"{self.source}/{self.source_record_id}"


@dataclass(frozen=True)
class Coverage:
    """Which records could be judged; those that only one side knows are left out of every figure."""

    judged: int
    without_truth: int  # records of the build that the truth does not name: nobody knows whose they are
    without_record: int  # records that the truth names and the build does not have
    without_customer: int  # of the judged: each counts as a cluster of its own
    unseen_people: int  # people of whom no record has a customer


# `record` numbers them from 0. One without a customer hangs together with nobody.
_JUDGED = """
    CREATE OR REPLACE TEMP TABLE judged AS
    SELECT
        row_number() OVER (ORDER BY source, source_record_id) - 1 AS record,
        source, source_record_id, truth.person_id, found.customer_id,
        dense_rank() OVER (ORDER BY truth.person_id) AS person,
        dense_rank() OVER (
            ORDER BY found.customer_id,
                CASE WHEN found.customer_id IS NULL THEN source || chr(31) || source_record_id END
        ) AS cluster
    FROM truth
    JOIN intermediate.int_identity__records AS records USING (source, source_record_id)
    LEFT JOIN identity.identity_map AS found USING (source, source_record_id)
"""

# What each judged record carries; `reason` says why it proves nothing. What was only learned about a value, that
# too many records or people share it, stands in LEARNED.
_CARRIED = """
    CREATE OR REPLACE TEMP TABLE carried AS
    SELECT judged.record, judged.person, judged.cluster, judged.customer_id, judged.source, judged.source_record_id,
        seen.identifier_type, seen.match_key, coalesce(seen.refused_reason, blocked.reason) AS reason
    FROM judged
    JOIN identifiers AS seen USING (source, source_record_id)
    LEFT JOIN (
        SELECT identifier_type, match_key, min(reason) AS reason FROM identity.identity_blocked GROUP BY ALL
    ) AS blocked USING (identifier_type, match_key)
"""
LEARNED = ("shared", "crowded", "contested")

_COVERAGE = """
    SELECT
        (SELECT count(*) FROM judged),
        (SELECT count(*) FROM intermediate.int_identity__records) - (SELECT count(*) FROM judged),
        (SELECT count(*) FROM truth) - (SELECT count(*) FROM judged),
        (SELECT count(*) FROM judged WHERE customer_id IS NULL),
        (SELECT count(*) FROM (SELECT person FROM judged GROUP BY person HAVING count(customer_id) = 0))
"""


_IN_COMMON = "SELECT count(*) FROM truth JOIN query_table(?) USING (source, source_record_id)"


def require_common(connection: "duckdb.DuckDBPyConnection", records: str) -> None:
    """Raise InputError when no record of the table `records` is in the table `truth`."""
    if not connection.execute(_IN_COMMON, [records]).fetchall()[0][0]:
        raise InputError(
            "The truth file and the records have no record in common.",
            "Both have to name a record by the same source and source_record_id.",
        )


def judge_records(connection: "duckdb.DuckDBPyConnection") -> Coverage:
    """Make the temporary tables `judged` and `carried`: judged records, and the identifiers on them.

    `connection` sees a build, and the table `truth` beside it. Raises InputError when the two have no record in common.
    """
    require_common(connection, "intermediate.int_identity__records")
    connection.execute(_JUDGED)
    view_identifiers(connection)
    connection.execute(_CARRIED)
    return Coverage(*connection.execute(_COVERAGE).fetchall()[0])
