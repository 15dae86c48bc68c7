"""What a provider said when it was asked for an unknown message: the evidence that a person is shown."""

from typing import Any

from sqlalchemy import Connection, update

from messaging.store.inserts import insert_new
from messaging.store.tables_delivery import provider_looks
from messaging.store.times import database_now


def note_look(connection: Connection, message_id: str, on_record: int, same_text: int) -> None:
    """Keep that the provider has `on_record` messages to this address since the call, none of which is this one."""
    _note(connection, message_id, on_record=on_record, same_text=same_text, told=None)


def note_silence(connection: Connection, message_id: str, told: str) -> None:
    """Keep that the provider could not be asked."""
    _note(connection, message_id, on_record=None, same_text=None, told=told)


def _note(connection: Connection, message_id: str, **seen: Any) -> None:
    now = database_now(connection)
    first = {"message_id": message_id, "looks": 1, "first_at": now, "looked_at": now, **seen}
    if not insert_new(connection, provider_looks, [first]):
        this = provider_looks.c.message_id == message_id
        more = {"looks": provider_looks.c.looks + 1, "looked_at": now, **seen}
        connection.execute(update(provider_looks).where(this).values(more))
