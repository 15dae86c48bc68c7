"""Tell the store how each table's contract stands.

A refused batch never publishes, so the release alone would always look green. Where a delivery was refused as a whole and
nothing has landed in its place, the table is red whatever the build finds in what has landed.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, insert

from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import contract_status
from pipelines.landing.refusals import Refusal, open_refusals
from pipelines.landing.standing import with_refusals
from pipelines.warehouse.records import ContractState


def record_states(settings: Settings, store: Store, states: Iterable[ContractState]) -> None:
    """Replace the standing verdict of each table in the store."""
    states = list(states)
    names = [state.table for state in states]
    with store.write() as connection:
        refusals = open_refusals(
            settings
        )  # inside the transaction, as those who open and close them tell the store in one
        rows = [_row(state, [each for each in refusals if each.table == state.table]) for state in states]
        connection.execute(delete(contract_status).where(contract_status.c.table_name.in_(names)))
        connection.execute(insert(contract_status), rows)


def _row(state: ContractState, refusals: Sequence[Refusal]) -> dict[str, object]:
    standing, detail = with_refusals(state.state, state.rules(), refusals)
    return {
        "table_name": state.table,
        "state": standing,
        "checked_at": state.checked_at,
        "rows_checked": state.rows_checked,
        "rows_quarantined": state.rows_quarantined,
        "detail": detail,
    }
