"""Lists of coupon codes in the store: filled from files, counted, and asked for by campaigns."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, insert, select

from data_contracts.errors import InputError, NotFoundError
from messaging import audit
from messaging.coupons.files import refuse_lines
from messaging.store.among import among
from messaging.store.locks import lock
from messaging.store.tables_coupons import coupons

NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,59}")
BATCH = 5000


@dataclass(frozen=True)
class CouponList:
    """A list of codes: how many there are, and how many of them are somebody's, or held by a run that is being planned."""

    name: str
    codes: int
    drawn: int
    reserved: int
    imported_at: datetime

    @property
    def free(self) -> int:
        """Give how many can still be drawn."""
        return self.codes - self.drawn - self.reserved


def list_lock(name: str) -> str:
    """Name the lock of a list: two plans draw from it one after the other."""
    return f"coupons:{name}"


def add(
    connection: Connection, name: str, found: Sequence[tuple[int, str]], actor: str, now: datetime
) -> CouponList:
    """Add codes, each with the line of its file, to a list behind those that are there: all of them or none.

    Raises InputError where the name is none, or with the lines of codes that stand in this list or another already.
    """
    if not NAME.fullmatch(name):
        raise InputError(
            f"{name!r} is no name for a list.", "Take small letters, digits and _, such as spring."
        )
    lock(connection, ["coupons", list_lock(name)])  # the first keeps two files with one code apart
    keys = {code.lower(): line for line, code in found}
    known = select(coupons.c.code_key, coupons.c.list).where(among(coupons.c.code_key, "keys"))
    rows = connection.execute(known, {"keys": list(keys)}).all()
    there = sorted((keys[row.code_key], row.list) for row in rows)
    refuse_lines("The file", [f"line {line}: it stands in the list {of!r} already" for line, of in there])
    last: int | None = connection.execute(
        select(func.max(coupons.c.place)).where(coupons.c.list == name)
    ).scalar()
    about = {"list": name, "imported_at": now, "imported_by": actor}
    rows_ = [
        {"code_key": code.lower(), "code": code, "place": place, **about}
        for place, (_, code) in enumerate(found, (last or 0) + 1)
    ]
    for start in range(0, len(rows_), BATCH):
        connection.execute(insert(coupons), rows_[start : start + BATCH])
    audit.record(connection, actor, "coupons.import", name, {"codes": len(found)}, at=now)
    return next(each for each in all_lists(connection) if each.name == name)


def all_lists(connection: Connection) -> list[CouponList]:
    """Give every list that there is, by name."""
    table = coupons.c
    drawn = func.count(table.customer_id)
    reserved = func.sum(case((table.reserved_by.is_not(None), 1), else_=0))
    query = select(table.list, func.count(), drawn, reserved, func.max(table.imported_at))
    rows = connection.execute(query.group_by(table.list).order_by(table.list)).all()
    return [CouponList(row[0], int(row[1]), int(row[2]), int(row[3]), row[4]) for row in rows]


def require_list(connection: Connection, name: str) -> None:
    """Raise NotFoundError where there is no list of that name."""
    if connection.execute(select(coupons.c.list).where(coupons.c.list == name).limit(1)).first() is None:
        raise NotFoundError(
            f"There is no list of coupons {name!r}.", f"Import it: `rapport coupons import {name} FILE`."
        )
