"""What colleagues wrote down of a customer, for whoever talks with them next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from data_contracts.errors import NotFoundError
from messaging import audit
from messaging.clock import Clock
from messaging.identity_decisions.said import checked_words
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables_desk import customer_notes

AT_ONCE = timedelta(minutes=1)  # a button that is pressed twice sends the same words again
LONGEST = 2000  # letters: what is longer is a file, and belongs elsewhere


@dataclass(frozen=True)
class Note:
    """A note on a customer; `written_at` is naive UTC."""

    note_id: str
    customer_id: str
    body: str
    written_at: datetime
    written_by: str


def write_note(store: Store, clock: Clock, customer_id: str, body: str, *, actor: str) -> Note:
    """Keep a note, once where it is sent twice. Raises UsageError where it is empty, too long or cannot be shown."""
    words = checked_words(body, "note", LONGEST)
    note = Note(new_id("nte"), customer_id, words, clock.now(), actor)
    same = {"customer_id": customer_id, "body": words, "written_by": actor}
    twice = (
        select(customer_notes).filter_by(**same).where(customer_notes.c.written_at > clock.now() - AT_ONCE)
    )
    with store.write() as connection:
        if (known := connection.execute(twice).mappings().first()) is not None:
            return Note(**known)
        connection.execute(insert(customer_notes).values(**vars(note)))
        audit.record(connection, actor, "note.write", customer_id, {"note_id": note.note_id}, at=clock.now())
    return note


def remove_note(store: Store, clock: Clock, note_id: str, *, actor: str) -> None:
    """Take a note away for good; that there was one, and who took it away, stays in the audit. Raises NotFoundError."""
    this = customer_notes.c.note_id == note_id
    with store.write() as connection:
        whose = connection.execute(select(customer_notes.c.customer_id).where(this)).scalar()
        if whose is None:
            raise NotFoundError("That note is not there any more.", "Reload the page.")
        connection.execute(delete(customer_notes).where(this))
        audit.record(connection, actor, "note.remove", whose, {"note_id": note_id}, at=clock.now())


def notes_of(store: Store, customer_ids: Sequence[str]) -> list[Note]:
    """Give the notes on a person, under all ids that they have had, the newest first."""
    table = customer_notes.c
    rows = select(customer_notes).where(table.customer_id.in_(customer_ids))
    with store.read() as connection:
        found = connection.execute(rows.order_by(table.written_at.desc(), table.note_id.desc()))
        return [Note(**row) for row in found.mappings()]
