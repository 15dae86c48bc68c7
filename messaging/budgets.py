"""What a day's messages were promised to cost, so that a budget is not promised twice.

Kept as a running sum of the company's day, written in the transaction that commits to a call. What was promised stays
promised: a message that failed may have cost its price all the same.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from sqlalchemy import Connection, select, update

from messaging.store.inserts import insert_new
from messaging.store.tables_limits import budget_days


def promised(connection: Connection, day: date, scopes: Iterable[str]) -> dict[str, int]:
    """Give what of a day is promised by scope, in millionths of the currency."""
    table = budget_days.c
    rows = select(table.scope, table.promised).where(
        table.day == day.isoformat(), table.scope.in_(sorted(set(scopes)))
    )
    return {row.scope: row.promised for row in connection.execute(rows)}


def promise(connection: Connection, day: date, amounts: Mapping[str, int]) -> None:
    """Add to what is promised of a day; the caller holds `budget_key` of it since before it read."""
    spent = {scope: amount for scope, amount in sorted(amounts.items()) if amount}
    rows = [{"day": day.isoformat(), "scope": scope, "promised": 0} for scope in spent]
    if rows:
        insert_new(connection, budget_days, rows)
    table = budget_days.c
    for scope, amount in spent.items():
        this = (table.day == day.isoformat()) & (table.scope == scope)
        connection.execute(update(budget_days).where(this).values(promised=table.promised + amount))


def budget_key(day: date) -> str:
    """Name the lock of a day's budgets."""
    return f"budget:{day.isoformat()}"
