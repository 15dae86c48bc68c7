"""How a table's contract stands in the store: the worst of the last build's verdict and the refusals that are open.

The store is told at once, for the app and the campaigns look there. What a build found is kept beside it, so that it comes
back when the last refusal is closed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing.refusals import Refusal, open_refusals, told, untold

REFUSED = "refused"  # marks the entries of a status that stand for an open refusal


def with_refusals(
    state: str, detail: Sequence[Mapping[str, Any]], refusals: Iterable[Refusal]
) -> tuple[str, list[Mapping[str, Any]]]:
    """Give a table's state and detail, as the store keeps them, with the refusals that are open."""
    own = [item for item in detail if REFUSED not in item]
    entries = [_entry(each, state) for each in refusals]
    return ("red" if entries else state), [*entries, *own]


def tell_store(settings: Settings, clock: Clock) -> None:
    """Bring the standing of all tables in the store into line with the refusals that are open, where it may not be.

    Where the store does not answer, what is open stands in the landing zone, and the next ingest or build tells the store.
    """
    if not untold(settings):
        return
    from data_contracts.errors import StoreError
    from messaging.store import open_store  # SQLAlchemy: most ingests have nothing to tell

    try:
        with open_store(settings) as store, store.write() as connection:
            _settle(connection, settings, clock)
    except StoreError:
        return
    told(settings)


def _settle(connection: Any, settings: Settings, clock: Clock) -> None:
    from sqlalchemy import select

    from messaging.store.tables import contract_status

    known = {row.table_name: row for row in connection.execute(select(contract_status))}
    refused: dict[str, list[Refusal]] = {}
    for refusal in open_refusals(settings):  # read inside the transaction: a build does so too
        refused.setdefault(refusal.table, []).append(refusal)
    for table in sorted({*known, *refused}):
        _put(connection, table, known.get(table), refused.get(table, []), clock)


def _put(connection: Any, table: str, row: Any, refusals: Sequence[Refusal], clock: Clock) -> None:
    from sqlalchemy import delete, insert, update

    from messaging.store.tables import contract_status

    before = list(row.detail or ()) if row else []
    verdict = next((item["verdict"] for item in before if REFUSED in item), row.state if row else "")
    state, detail = with_refusals(verdict, before, refusals)
    here = contract_status.c.table_name == table
    if not state:  # it was never judged, and nothing is refused any more
        connection.execute(delete(contract_status).where(here))
    elif row is None:
        counts = {"rows_checked": 0, "rows_quarantined": 0, "checked_at": clock.now()}
        connection.execute(
            insert(contract_status).values(table_name=table, state=state, detail=detail, **counts)
        )
    elif (row.state, before) != (state, detail):
        connection.execute(update(contract_status).where(here).values(state=state, detail=detail))


def _entry(refusal: Refusal, verdict: str) -> dict[str, Any]:
    """Tell of a refusal in counts: files and records are named where they lie, not in the store."""
    return {
        "rule": refusal.rule,
        "failed": max(refusal.failed, 1),
        "severity": "critical",
        REFUSED: refusal.source,
        "reason": refusal.reason,
        "threshold": refusal.threshold,
        "owner": refusal.owner,
        "refused_at": refusal.refused_at.isoformat(),
        "verdict": verdict,
    }
