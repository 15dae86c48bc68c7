"""Messages that came in: which of them nobody wrote."""

from sqlalchemy import ColumnElement

from messaging.store.tables import inbound_messages

AUTOMATIC = (
    "automatic"  # in a message's payload: "yes" of one that a program wrote, such as an absence or a bounce
)


def by_a_person() -> ColumnElement[bool]:
    """Ask for the messages that somebody wrote: what a program wrote answers nothing."""
    marked: ColumnElement[str] = inbound_messages.c.payload[AUTOMATIC].as_string()
    return marked.is_distinct_from("yes")
