"""The identity step of a build: after dbt's tag `before_identity`, before its tag `after_identity`."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from messaging.identity_decisions import Decision
from pipelines.identity.gathering import Gathered, gather, gather_further, keep_gathered
from pipelines.identity.identifiers import check_identifiers
from pipelines.identity.linking.frequencies import forget_frequencies
from pipelines.identity.linking.rescoring import count_merging, take_pairs
from pipelines.identity.linking.scorer import PairScorer
from pipelines.identity.matching import Linker, Reading, match_by_evidence, match_records
from pipelines.identity.policy import Policy, load_policy
from pipelines.identity.published import name_replaced, publish_identity
from pipelines.identity.stable_ids import Build, IdChanges, assign_ids
from pipelines.identity.touched import keep_phones, mark_published, name_touched
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.increment import is_part
from pipelines.warehouse.state import attached_state, transaction

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class IdentityOrder:
    """By what people are resolved: the policy, what people decided, and what scores pairs (nothing, when None).

    `afresh` reads all evidence again, also where it is what the last build read; the people are the same, but that pairs
    are scored by how common names and places are today (linking/frequencies.py).
    """

    policy: Policy = field(default_factory=load_policy)
    decisions: Sequence[Decision] = ()
    link: PairScorer | None = None
    afresh: bool = False


@dataclass(frozen=True)
class IdentityReport:
    """What resolution found: `records` = `identified` + `guests`.

    `decisions_skipped` name records that are not in this build; `decisions_overruled` are merges of people whom a split
    of other records of theirs keeps apart. `gathered` of the records were read, all of them for `gathered_because`.
    """

    records: int
    identified: int
    guests: int
    people: int
    largest: int
    blocked_values: int
    refused_edges: int
    linked_pairs: int
    to_review: int
    new_customers: int
    merged_customers: int
    split_customers: int
    decisions_applied: int
    decisions_skipped: int
    decisions_overruled: int
    gathered: int
    gathered_because: str

    def to_document(self) -> dict[str, int | str]:
        """Give the counts as plain data, for metadata and `--json`."""
        return asdict(self)


_COUNTS = """
    SELECT
        (SELECT count(*) FROM intermediate.int_identity__records),
        (SELECT count(*) FROM identity.identity_map),
        (SELECT count(DISTINCT customer_id) FROM identity.identity_map),
        (SELECT coalesce(max(records), 0) FROM (
            SELECT count(*) AS records FROM identity.identity_map GROUP BY customer_id)),
        (SELECT count(*) FROM identity.identity_blocked),
        (SELECT count(*) FROM identity.refused_edges),
        (SELECT count(*) FROM identity.identity_review)
"""

# A merge that was applied made its records one customer's, and nobody else's.
_DECIDED = """
    WITH records AS (
        SELECT hash(source || chr(31) || source_record_id) AS record FROM intermediate.int_identity__records
    ),
    found AS (FROM decisions WHERE record IN (FROM records) AND other IN (FROM records)),
    apart AS (
        SELECT decision_id FROM found
        JOIN identity.identity_map AS one USING (source, source_record_id)
        JOIN identity.identity_map AS other
            ON other.source = found.other_source AND other.source_record_id = found.other_record_id
        WHERE found.kind = 'merge' AND one.customer_id <> other.customer_id
    )
    SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM apart)
"""


def resolve_people(
    build: "duckdb.DuckDBPyConnection | Path",
    state_path: Path,
    as_of: datetime,
    order: IdentityOrder | None = None,
    build_id: str = "",
) -> IdentityReport:
    """Decide who is whom, and write schema `identity` of build.duckdb.

    `build` is the file, or a connection whose current catalog it is; dbt's connections to it have to be
    closed. `as_of` (naive UTC) dates new ids, aliases and the journal's lines. Run it again, and every id is
    the same. Schema `increment` says whether the build is of a part of the records, and is told whom that touched
    (`touched.py`).
    """
    order = order or IdentityOrder()
    with (
        open_warehouse(build) if isinstance(build, Path) else nullcontext(build) as connection,
        attached_state(connection, state_path),
    ):
        part = is_part(connection)
        if part:
            keep_phones(connection)
        if order.afresh:
            forget_frequencies(connection)
        check_identifiers(connection, order.policy.identifiers["phone"].require or "possible")
        gathered = gather(connection, order.policy, order.decisions, order.link, _why_whole(order, part=part))
        link: Linker | None = order.link
        if gathered.is_part and order.link is not None:
            match_by_evidence(connection, order.policy, order.decisions)
            gathered = gather_further(connection, gathered, order.link.rescore(connection))
            link = take_pairs if gathered.is_part else link
        few = gathered.is_part
        reading: Reading = "part" if few else "afresh" if order.afresh else "further"
        linked = match_records(connection, order.policy, order.decisions, link, reading=reading)
        changes = assign_ids(connection, Build(as_of, build_id, order.policy.fingerprint), part=few)
        with transaction(connection):
            if few:
                name_replaced(connection)
            if part:
                mark_published(connection, replaced=few)
            publish_identity(connection, order.policy, part=few)
            _copy_state(connection)
            name_touched(connection, part=part, replaced=few)
            keep_gathered(connection, order.policy, order.link, gathered)
        return _report(connection, order, gathered, linked, changes)


def _why_whole(order: IdentityOrder, *, part: bool) -> str:
    """Say why all records have to be gathered, where it is not what they say that decides."""
    if not part:
        return "a full build"
    return "everything is to be read afresh" if order.afresh else ""


def _copy_state(connection: "duckdb.DuckDBPyConnection") -> None:
    connection.execute("CREATE OR REPLACE TABLE identity.identity_alias AS FROM state.identity_alias")
    connection.execute("CREATE OR REPLACE TABLE identity.identity_journal AS FROM state.identity_journal")


def _report(
    connection: "duckdb.DuckDBPyConnection",
    order: IdentityOrder,
    gathered: Gathered,
    linked: int,
    changes: IdChanges,
) -> IdentityReport:
    counts = connection.execute(_COUNTS).fetchall()[0]
    records, identified, people, largest, blocked, refused, review = counts
    found, overruled = connection.execute(_DECIDED).fetchall()[0] if order.decisions else (0, 0)
    return IdentityReport(
        records=records,
        identified=identified,
        guests=records - identified,
        people=people,
        largest=largest,
        blocked_values=blocked,
        refused_edges=refused,
        linked_pairs=count_merging(connection) if order.link and gathered.is_part else linked,
        to_review=review,
        new_customers=changes.new_customers,
        merged_customers=changes.merged,
        split_customers=changes.split,
        decisions_applied=found - overruled,
        decisions_skipped=len(order.decisions) - found,
        decisions_overruled=overruled,
        gathered=gathered.records,
        gathered_because=gathered.whole_because,
    )
