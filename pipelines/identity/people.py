"""The identity step of a build: after dbt's tag `before_identity`, before its tag `after_identity`."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from messaging.identity_decisions import Decision
from pipelines.identity.identifiers import check_identifiers
from pipelines.identity.matching import Linker, Matched, match_records
from pipelines.identity.policy import Policy, load_policy
from pipelines.identity.published import publish_identity
from pipelines.identity.stable_ids import Build, assign_ids
from pipelines.identity.touched import is_part, mark_published, name_touched
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.state import attached_state, transaction

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class IdentityOrder:
    """By what people are resolved: the policy, what people decided, and what scores pairs (nothing, when None).

    `afresh` reads all evidence again, also where it is what the last build read; the people are the same.
    """

    policy: Policy = field(default_factory=load_policy)
    decisions: Sequence[Decision] = ()
    link: Linker | None = None
    afresh: bool = False


@dataclass(frozen=True)
class IdentityReport:
    """What resolution found: `records` = `identified` + `guests`."""

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

    def to_document(self) -> dict[str, int]:
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
        (SELECT count(*) FROM refused),
        (SELECT count(*) FROM identity.identity_review)
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
            mark_published(connection)
        check_identifiers(connection, order.policy.identifiers["phone"].require or "possible")
        matched = match_records(connection, order.policy, order.decisions, order.link, afresh=order.afresh)
        changes = assign_ids(connection, Build(as_of, build_id, order.policy.fingerprint))
        with transaction(connection):
            publish_identity(connection, order.policy)
            _copy_state(connection)
            name_touched(connection, part=part)
        return _report(connection, matched, changes.new_customers, changes.merged, changes.split)


def _copy_state(connection: "duckdb.DuckDBPyConnection") -> None:
    connection.execute("CREATE OR REPLACE TABLE identity.identity_alias AS FROM state.identity_alias")
    connection.execute("CREATE OR REPLACE TABLE identity.identity_journal AS FROM state.identity_journal")


def _report(
    connection: "duckdb.DuckDBPyConnection", matched: Matched, new: int, merged: int, split: int
) -> IdentityReport:
    counts = connection.execute(_COUNTS).fetchall()[0]
    records, identified, people, largest, blocked, refused, review = counts
    return IdentityReport(
        records=records,
        identified=identified,
        guests=records - identified,
        people=people,
        largest=largest,
        blocked_values=blocked,
        refused_edges=refused,
        linked_pairs=matched.links,
        to_review=review,
        new_customers=new,
        merged_customers=merged,
        split_customers=split,
        decisions_applied=matched.decisions_applied,
        decisions_skipped=matched.decisions_skipped,
        decisions_overruled=matched.decisions_overruled,
    )
