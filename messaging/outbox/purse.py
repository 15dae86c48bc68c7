"""What the next calls are paid from: the day's budgets, and what each message takes of them for the next one."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from messaging.budgets import promise, promised
from messaging.policy import BudgetStanding, Limits, SendFacts
from messaging.policy.limits import EVERY_CHANNEL


def scopes(limits: Limits, row: Row[Any]) -> dict[str, int]:
    """Give the budgets that a message is paid from, with their limits in millionths."""
    found = {
        scope: limits.budgets[scope] for scope in (EVERY_CHANNEL, row.channel) if scope in limits.budgets
    }
    own = (row.run_content or {}).get("budget")
    return found | ({f"campaign:{row.campaign}": own} if own is not None else {})


class Purse:
    """The budgets of one day during one transaction; the caller holds their lock."""

    def __init__(
        self, connection: Connection, limits: Limits, rows: Sequence[Row[Any]], now: datetime
    ) -> None:
        self._limits = limits
        self._today, self._ends = limits.day(now)
        asked = {scope for row in rows for scope in scopes(limits, row)}
        self._promised = Counter(promised(connection, self._today, asked) if asked else {})
        self._taken: dict[str, dict[str, int]] = {}

    def seen_by(self, row: Row[Any], facts: SendFacts) -> SendFacts:
        """Give the facts of a message with the budgets as they stand now; a second try of a day costs nothing more."""
        budgets = scopes(self._limits, row)
        cost = 0 if self._paid(row) else facts.cost
        if not budgets:
            return facts if cost == facts.cost else replace(facts, cost=cost)
        standing = tuple(
            BudgetStanding(scope, limit, self._promised[scope], self._ends)
            for scope, limit in budgets.items()
        )
        return replace(facts, cost=cost, budgets=standing)

    def promise(self, row: Row[Any], cost: int) -> None:
        """Take a message's cost from its budgets, so that the next one sees it gone."""
        self._taken[row.message_id] = dict.fromkeys(scopes(self._limits, row), cost)
        self._promised.update(self._taken[row.message_id])

    def write(self, connection: Connection, held: Collection[str]) -> None:
        """Write down what was promised, but for messages that are held back after all."""
        total: Counter[str] = Counter()
        for message_id, amounts in self._taken.items():
            if message_id not in held:
                total.update(amounts)
        promise(connection, self._today, total)

    def _paid(self, row: Row[Any]) -> bool:
        return (
            bool(row.cost)
            and row.calling_at is not None
            and self._limits.day(row.calling_at)[0] == self._today
        )
