"""Codes while a run is planned: reserved some at a time, and a customer's own with the message that carries theirs.

A code is read before its message is stored, so it is reserved for the run first, and made the customer's in the transaction
that stores the message. What was reserved and not used is free again; that of a process which died, after an hour. Two plans
take turns by the list's lock, and whether a code still is whose it was is asked again in the end.
"""

from collections import deque
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, exists, insert, or_, select, update

from data_contracts.errors import RefusedError
from messaging.coupons.giving_back import give_back
from messaging.coupons.lists import list_lock, require_list
from messaging.store import Store
from messaging.store.among import among
from messaging.store.locks import lock
from messaging.store.tables import attempts, messages
from messaging.store.tables_coupons import coupon_draws, coupons
from messaging.store.times import database_now

LEASE = timedelta(hours=1)
FIRST, MOST = 20, 1000  # reserved at once: as many again as were used, so that another plan finds the rest


class Draw:
    """The codes of one list for one run that is being planned."""

    def __init__(self, store: Store, name: str, run_id: str, campaign: str, now: datetime) -> None:
        self._store, self._name, self._run_id, self._campaign, self._now = store, name, run_id, campaign, now
        self._free: deque[str] = deque()
        self._taken = 0
        self._empty = False
        self._own: dict[str, str] | None = None  # of customers, by an earlier plan that never went
        self._given: dict[str, str] = {}  # to customers since messages were stored last

    def code_for(
        self,
        customer_id: str,
        taken: bool = True,  # noqa: FBT001, FBT002 - a plan's ground asks it so
    ) -> str | None:
        """Give the code for a customer, the same one however often it is asked; None where none is left.

        One that is not `taken`, as of somebody who is held out, is the next one's, too.
        """
        if customer_id in self._given:
            return self._given[customer_id]
        if self._own is None:
            self._own = self._store.transact(self._begin)
        own = self._own.get(customer_id)
        if own is None and not self._free:
            self._reserve_more()
        code = own or (self._free[0] if self._free else None)
        if code is not None and taken:
            self._given[customer_id] = own or self._free.popleft()
        return code

    def keep(self, connection: Connection, written_to: Collection[str]) -> None:
        """Make the codes theirs to whom a message is stored in this transaction; the others go back to be given.

        Raises RefusedError where a code became somebody else's since it was reserved.
        """
        given, self._given = self._given, {}
        own = self._own or {}
        kept = {who: code.lower() for who, code in given.items() if who in written_to}
        self._free.extendleft(
            code for who, code in reversed(given.items()) if who not in kept and own.get(who) != code
        )
        if not kept:
            return
        lock(connection, [list_lock(self._name)])
        fresh = [{"this": key, "who": who} for who, key in kept.items() if who not in own]
        if fresh:
            reserved = (coupons.c.code_key == bindparam("this")) & (coupons.c.reserved_by == self._run_id)
            theirs = {"customer_id": bindparam("who"), "campaign": self._campaign}
            made = update(coupons).where(reserved)
            connection.execute(made.values(reserved_by=None, reserved_until=None, **theirs), fresh)
        self._hold_on(connection)
        asked = select(coupons.c.code_key, coupons.c.customer_id).where(among(coupons.c.code_key, "keys"))
        rows = connection.execute(asked, {"keys": list(kept.values())}).all()
        if {(row.customer_id, row.code_key) for row in rows} != set(kept.items()):
            raise RefusedError(
                f"Coupons of the list {self._name!r} were given back while run {self._run_id} was planned.",
                f"Run `rapport campaign plan {self._campaign}` again.",
            )
        draws = [{"run_id": self._run_id, "customer_id": who, "code_key": key} for who, key in kept.items()]
        connection.execute(insert(coupon_draws), draws)

    def release(self) -> None:
        """Give back what was reserved and not used; nothing is given afterwards."""
        if self._own is None:
            return
        self._free.clear()
        self._empty = True

        def free(connection: Connection) -> None:
            lock(connection, [list_lock(self._name)])
            ours = update(coupons).where(coupons.c.reserved_by == self._run_id)
            connection.execute(ours.values(reserved_by=None, reserved_until=None))

        self._store.transact(free)

    def _begin(self, connection: Connection) -> dict[str, str]:
        """Free what nobody saw, and find the codes that customers have by a plan of this campaign that never went."""
        require_list(connection, self._name)
        give_back(connection, self._name, self._now)
        table, drawn = coupons.c, coupon_draws.c
        theirs = (messages.c.run_id == drawn.run_id) & (messages.c.customer_id == drawn.customer_id)
        went = exists(
            select(drawn.run_id)
            .select_from(coupon_draws.join(messages, theirs))
            .where(drawn.code_key == table.code_key, messages.c.state != "planned")
            .correlate(coupons)
        )
        query = select(table.customer_id, table.code).where(
            table.list == self._name, table.campaign == self._campaign, table.customer_id.is_not(None), ~went
        )
        return {row.customer_id: row.code for row in connection.execute(query)}

    def _reserve_more(self) -> None:
        if not self._empty:
            number = min(max(self._taken, FIRST), MOST)
            self._free.extend(self._store.transact(lambda connection: self._reserve(connection, number)))
            self._taken += len(self._free)
            self._empty = len(self._free) < number

    def _reserve(self, connection: Connection, number: int) -> list[str]:
        lock(connection, [list_lock(self._name)])
        table = coupons.c
        free = select(table.code_key, table.code).where(
            table.list == self._name, table.customer_id.is_(None), table.reserved_by.is_(None)
        )
        rows = connection.execute(free.order_by(table.place).limit(number)).all()
        if rows:
            held = update(coupons).where(among(table.code_key, "keys"))
            until = database_now(connection) + LEASE
            connection.execute(
                held.values(reserved_by=self._run_id, reserved_until=until),
                {"keys": [row.code_key for row in rows]},
            )
        return [row.code for row in rows]

    def _hold_on(self, connection: Connection) -> None:
        """Renew what is reserved: a plan of a million people may take longer than an hour."""
        ours = update(coupons).where(coupons.c.reserved_by == self._run_id)
        connection.execute(ours.values(reserved_until=database_now(connection) + LEASE))


def gone_elsewhere(connection: Connection, run_id: str) -> int:
    """Count the codes of a run that went, or are going, with another run: a code is used once."""
    other = coupon_draws.alias()
    called = exists().where(attempts.c.message_id == messages.c.message_id)
    theirs = (messages.c.run_id == other.c.run_id) & (messages.c.customer_id == other.c.customer_id)
    went = exists(
        select(other.c.run_id)
        .select_from(other.join(messages, theirs))
        .where(
            other.c.code_key == coupon_draws.c.code_key,
            other.c.run_id != run_id,
            or_(messages.c.state.not_in(("planned", "cancelled", "skipped")), called),
        )
        .correlate(coupon_draws)
    )
    ours = select(coupon_draws.c.code_key).where(coupon_draws.c.run_id == run_id, went)
    return len(connection.execute(ours).all())
