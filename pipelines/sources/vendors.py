"""Vendors' JSON: each finds its records wherever they lie in a file, and a shipped mapping does the rest."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_contracts.errors import InputError
from pipelines.sources.documents import Record, find_records, read_document

TWILIO_MESSAGE = frozenset({"sid", "direction", "status", "to", "body"})
SENDGRID_EVENT = frozenset({"event", "timestamp", "email"})
CHAT_SHAPES = {
    "messages": "chat_conversations",
    "original": "abcd_chats",
}  # the list of turns tells the mapping


def twilio_messages(path: Path) -> Iterator[Record]:
    """Find the messages of a page, of a list of pages, or one message alone.

    Raises InputError for a file with neither a message nor an (empty) list of messages.
    """
    document = read_document(path)
    found = list(_objects_with(document, TWILIO_MESSAGE))
    if not found and not (isinstance(document, dict) and document.get("messages") == []):
        raise _strange(path, "Twilio messages", "a page of the Messages API, with a list `messages`")
    yield from found


def sendgrid_events(path: Path) -> Iterator[Record]:
    """Find the events of a posted list, or of a file with a list or an event on each line.

    Raises InputError for another file.
    """
    document = read_document(path)
    found = list(_objects_with(document, SENDGRID_EVENT))
    if not found and document != []:
        raise _strange(path, "SendGrid events", "a list of events, each with event, timestamp and email")
    yield from found


def chat_conversations(path: Path) -> tuple[str, list[Any]]:
    """Find the conversations of an export, and the mapping that reads their shape.

    Raises InputError for a file that holds none.
    """
    document = read_document(path)
    listed = document.get("conversations") if isinstance(document, dict) else document
    conversations = listed if isinstance(listed, list) else []
    first = conversations[0] if conversations and isinstance(conversations[0], dict) else {}
    for turns, mapping in CHAT_SHAPES.items():
        if isinstance(first.get(turns), list) or listed == []:
            return mapping, conversations
    raise _strange(
        path, "conversations", f"a list of conversations, each with a list {' or '.join(CHAT_SHAPES)}"
    )


def turns_of(conversations: list[Any], records: str) -> Iterator[Record]:
    """Find the turns of conversations, by the path that a mapping states."""
    return find_records(conversations, records)


def _objects_with(document: Any, keys: frozenset[str]) -> Iterator[Record]:
    if isinstance(document, dict) and keys <= document.keys():
        yield Record(document)
        return
    inside = (
        document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    )
    for item in inside:
        yield from _objects_with(item, keys)


def _strange(path: Path, what: str, shape: str) -> InputError:
    return InputError(f"The file {path} holds no {what}.", f"It should be {shape}.")
