"""Around the landing of a delivery: it is refused where it is broken as a whole, and what it makes void is put away."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from data_contracts.contracts import load_contract
from data_contracts.errors import BatchRefusedError
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing.breaches import Reads, find_refusal
from pipelines.landing.manifest import Landing
from pipelines.landing.originals import tidy_originals
from pipelines.landing.refusals import Refusal, close_refusals, open_refusal, refusal_error
from pipelines.landing.seals import delete_sealed
from pipelines.landing.staging import Delivery
from pipelines.landing.writer import (
    Landed,
    Prepared,
    landings_of,
    next_moment,
    quarantine_path,
)

COLUMNS_RULE = "columns_there"


def find_refusals(judged: Iterable[tuple[Prepared, Reads]]) -> list[Refusal]:
    """Say of the parts of a prepared delivery why they cannot land."""
    found = (find_refusal(prepared, reads) for prepared, reads in judged)
    return [refusal for refusal in found if refusal]


def refuse(settings: Settings, refusals: Sequence[Refusal]) -> None:
    """Put on record that a delivery was refused, and raise BatchRefusedError; nothing where there is no reason to.

    The landing lock has to be held.
    """
    for refusal in refusals:
        open_refusal(settings, refusal)
    if refusals:
        raise refusal_error(refusals)


def refuse_changed(settings: Settings, clock: Clock, delivery: Delivery, error: BatchRefusedError) -> None:
    """Put on record that columns are missing which the same mapping found in earlier files of this source.

    A first file that does not fit is no drift: somebody took the wrong mapping, and is told so. The landing lock has to be
    held.
    """
    earlier = landings_of(settings, delivery.source, delivery.table)
    if any(landing.origin.part == error.mapping for landing in earlier):
        open_refusal(settings, _changed(delivery, error, next_moment(clock, earlier)))


def settle(settings: Settings, landed: Sequence[Landed], *, delivered: bool = True) -> None:
    """Put away what a landing makes void. The landing lock has to be held.

    What an older version of the same mapping had set aside of the same file is replaced by what this one has. Refusals of
    the same source and table are over, where the rows were `delivered` and not read again.
    """
    for each in landed:
        for old in _superseded(settings, each.landing):
            delete_sealed(quarantine_path(settings, old))
    if delivered:
        close_refusals(
            settings, [_mark(each) for each in landed if each.counts.rows_in > each.counts.quarantined]
        )
    tidy_originals(settings)


def _superseded(settings: Settings, landing: Landing) -> list[Landing]:
    """Find the earlier landings of the same part of the same file that still have rows set aside."""
    return [
        old
        for old in landings_of(settings, landing.source, landing.table)
        if (old.file_sha256, old.origin.part) == (landing.file_sha256, landing.origin.part)
        and old.received_at < landing.received_at
        and old.mapping_hash != landing.mapping_hash
        and quarantine_path(settings, old).exists()
    ]


def _mark(landed: Landed) -> tuple[str, str, datetime]:
    return (landed.landing.source, landed.landing.table, landed.landing.received_at)


def _changed(delivery: Delivery, error: BatchRefusedError, refused_at: datetime) -> Refusal:
    contract = load_contract(delivery.table)
    return Refusal(
        source=delivery.source,
        table=delivery.table,
        file_name=delivery.file_name,
        file_sha256=delivery.file_sha256,
        mapping=error.mapping,
        rule=COLUMNS_RULE,
        sentence="The file has the columns that its mapping reads.",
        owner=contract.owner,
        what=f"Columns that the mapping {error.mapping} reads are missing or have other names: {error.missing}.",
        failed=1,
        rows=0,
        threshold=0.0,
        record_ids=(),
        refused_at=refused_at,
    )
