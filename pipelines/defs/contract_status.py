"""Tell the store how each table's contract stands.

A refused batch never publishes, so the release alone would always look green.
"""

from collections.abc import Iterable

from sqlalchemy import delete, insert

from messaging.store import Store
from messaging.store.tables import contract_status
from pipelines.warehouse.records import ContractState


def record_states(store: Store, states: Iterable[ContractState]) -> None:
    """Replace the standing verdict of each table in the store."""
    rows = [
        {
            "table_name": state.table,
            "state": state.state,
            "checked_at": state.checked_at,
            "rows_checked": state.rows_checked,
            "rows_quarantined": state.rows_quarantined,
            "detail": state.rules(),
        }
        for state in states
    ]
    names = [row["table_name"] for row in rows]
    with store.write() as connection:
        connection.execute(delete(contract_status).where(contract_status.c.table_name.in_(names)))
        connection.execute(insert(contract_status), rows)
