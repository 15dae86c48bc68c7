"""Who did what, in a hash chain: approved, launched, paused, stopped, exported, imported, looked at a person, decided.

An entry carries ids and counts and no personal data; its subject is a customer's, run's or message's id. Whoever keeps
the hash of the newest entry elsewhere can prove later that nothing before it was changed, and nothing cut off behind it.

An entry commits to what stays of it (its id, when, who, what) and to H(salt, subject, detail), which an erasure leaves
where it drops these three: of an erased entry the rest still is what it was. Entries of before migration 0016 commit to
all of it at once, so that an erased one of them proves nothing by itself. The first entry after them therefore seals
what stays of them all. The two kinds are linked by different hashes: none passes for the other.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, null, select, update

from messaging import access
from messaging.store import chain
from messaging.store.chain import GENESIS, ChainVerdict, commit, link
from messaging.store.ids import new_id
from messaging.store.locks import AUDIT_CHAIN, lock
from messaging.store.tables_record import audit

STAYS = ("audit_id", "at", "actor", "action")
PAYLOAD = (*STAYS, "subject", "detail")
SEAL = "audit.seal"
PARTS = "parts"  # before what a link of entries in two parts goes over: no text in hexadecimal has it


def record(  # noqa: PLR0913 - the columns of an entry
    connection: Connection,
    actor: str,
    action: str,
    subject: str | None = None,
    detail: Mapping[str, Any] | None = None,
    *,
    at: datetime,
) -> str:
    """Add an entry (`at` in naive UTC, `action` as noun.verb) in the transaction of what it tells of; give its id.

    Call it last in a transaction: on PostgreSQL all others that record wait from here until its commit. Raises
    RefusedError where whoever acts at a page may not do this.
    """
    access.require_recorded(connection, action)
    lock(connection, [AUDIT_CHAIN])
    last = select(audit.c.sealed).order_by(audit.c.sequence.desc()).limit(1)
    if (newest_entry := connection.execute(last).first()) is not None and newest_entry.sealed is None:
        whole = {"entries": len(_of_before(connection)), "hash": _sealing(_of_before(connection))}
        _append(connection, {"at": at, "actor": "rapport", "action": SEAL, "subject": None, "detail": whole})
    said = None if detail is None else dict(detail)
    return _append(
        connection, {"at": at, "actor": actor, "action": action, "subject": subject, "detail": said}
    )


def _append(connection: Connection, facts: Mapping[str, Any]) -> str:
    payload = {"audit_id": new_id("aud"), **facts}
    salt, follows = secrets.token_hex(16), head(connection)
    row = {**payload, "salt": salt, "sealed": _seal(salt, payload), "previous_hash": follows}
    row["commitment"] = _commitment(row)
    connection.execute(insert(audit).values(**row, hash=_link(row, follows)))
    return str(payload["audit_id"])


def newest(
    connection: Connection,
    limit: int,
    *,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
) -> list[dict[str, Any]]:
    """Give up to `limit` entries, the newest first; `action` may be its beginning, such as `campaign`."""
    rows = select(*(audit.c[name] for name in PAYLOAD), audit.c.hash).order_by(audit.c.sequence.desc())
    if actor is not None:
        rows = rows.where(audit.c.actor == actor)
    if action is not None:
        rows = rows.where(audit.c.action.startswith(action, autoescape=True))
    if subject is not None:
        rows = rows.where(audit.c.subject == subject)
    return [dict(row) for row in connection.execute(rows.limit(limit)).mappings()]


def verify(connection: Connection) -> ChainVerdict:
    """Go over the whole chain and say where it first does not hold; of an erased entry only its links are left."""
    rows = connection.execute(select(audit).order_by(audit.c.sequence))
    before = _of_before(connection)
    return chain.verify(rows.mappings(), lambda row: _whole(row) and _seals(row, before), _link)


def head(connection: Connection) -> str:
    """Give the hash of the newest entry, which stands for all of them."""
    return (
        connection.execute(select(audit.c.hash).order_by(audit.c.sequence.desc()).limit(1)).scalar()
        or GENESIS
    )


def holds(connection: Connection, hashed: str) -> bool:
    """Say whether an entry of this hash is there: a head that was kept elsewhere, if nothing was cut off."""
    found = connection.execute(select(audit.c.sequence).where(audit.c.hash == hashed))
    return hashed == GENESIS or found.first() is not None


def forget(connection: Connection, subject: str) -> int:
    """Erase of whom entries tell, with their salts; that something was done, by whom and when, stays."""
    this = (audit.c.subject == subject) & audit.c.salt.is_not(None)
    return connection.execute(
        update(audit).where(this).values(salt=None, subject=None, detail=null())
    ).rowcount


def _whole(row: Mapping[Any, Any]) -> bool:
    erased = row["salt"] is None and row["subject"] is None and row["detail"] is None
    if row["sealed"] is not None:
        intact = row["salt"] is not None and row["sealed"] == _seal(row["salt"], row)
        return (erased or intact) and bool(row["commitment"] == _commitment(row))
    if row["salt"] is None:
        return erased
    payload = {name: row[name] for name in PAYLOAD}
    return bool(row["commitment"] == commit(row["salt"], payload))


def _seals(row: Mapping[Any, Any], before: Sequence[Mapping[Any, Any]]) -> bool:
    """Say whether an entry that seals those of before migration 0016 still does; it tells of nobody and is never erased."""
    if row["action"] != SEAL or row["sealed"] is None:
        return True
    return bool(row["detail"] == {"entries": len(before), "hash": _sealing(before)})


def _of_before(connection: Connection) -> Sequence[Mapping[Any, Any]]:
    """Read what stays of the entries of before migration 0016."""
    rows = select(audit.c.sequence, *(audit.c[name] for name in STAYS)).where(audit.c.sealed.is_(None))
    return connection.execute(rows.order_by(audit.c.sequence)).mappings().all()


def _sealing(rows: Sequence[Mapping[Any, Any]]) -> str:
    hashed = GENESIS
    for row in rows:
        hashed = link(hashed, commit("", dict(row)))
    return hashed


def _seal(salt: str, payload: Mapping[Any, Any]) -> str:
    return commit(salt, {"subject": payload["subject"], "detail": payload["detail"]})


def _commitment(row: Mapping[Any, Any]) -> str:
    """Give the commitment of an entry in two parts: to what stays, and to what the erasable part is sealed by."""
    return commit("", {**{name: row[name] for name in STAYS}, "sealed": row["sealed"]})


def _link(row: Mapping[Any, Any], previous: str) -> str:
    if row["sealed"] is None:
        return link(previous, row["commitment"])
    return link(f"{PARTS}{previous}", row["commitment"])
