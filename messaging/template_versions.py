"""The versions of templates: every text that was planned or saved, kept in the store by the hash of what it says."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from data_contracts.errors import NotFoundError
from messaging.store.inserts import insert_many
from messaging.store.tables_templates import template_texts, template_versions

SHORTEST = 6  # digits of a hash that name a version


@dataclass(frozen=True)
class Version:
    """A text that stood in a file of a template: since when (naive UTC), by whom, and what made us keep it."""

    file: str
    hash: str
    template: str
    first_at: datetime
    first_by: str
    first_why: str


def text_hash(text: str) -> str:
    """Name a text by its hash (SHA-256, hex)."""
    return hashlib.sha256(text.encode()).hexdigest()


def keep(  # noqa: PLR0913, PLR0917 - whose texts, when, by whom and why
    connection: Connection, template: str, texts: Mapping[str, str], now: datetime, actor: str, why: str
) -> None:
    """Keep the texts of a template by file; one that is kept already stays as it was first."""
    known = {file: text_hash(text) for file, text in texts.items()}
    insert_many(connection, template_texts, [{"hash": known[file], "text": texts[file]} for file in texts])
    told = {"template": template, "first_at": now, "first_by": actor, "first_why": why}
    insert_many(connection, template_versions, [{"file": file, "hash": known[file]} | told for file in texts])


def versions_of(connection: Connection, template: str) -> list[Version]:
    """Give the versions of a template, the newest first."""
    table = template_versions
    rows = select(table).where(table.c.template == template)
    newest = rows.order_by(table.c.first_at.desc(), table.c.file, table.c.hash)
    return [Version(**row) for row in connection.execute(newest).mappings()]


def find_version(connection: Connection, template: str, begins: str) -> tuple[Version, str]:
    """Find a version by its hash, or the beginning of it, with its text.

    Raises NotFoundError where none, or more than one, is named so.
    """
    wanted = begins.lower()
    found = [each for each in versions_of(connection, template) if each.hash.startswith(wanted)]
    if len(wanted) < SHORTEST or len(found) != 1:
        how_many = "No" if not found else "More than one"
        raise NotFoundError(
            f"{how_many} version of template {template!r} is named {begins!r} by {SHORTEST} digits or more.",
            f"See `rapport template history {template}`.",
        )
    text = select(template_texts.c.text).where(template_texts.c.hash == found[0].hash)
    return found[0], connection.execute(text).scalar_one()


def files_of(template: str, texts: Mapping[str, Mapping[str, str]], own: str = "en") -> dict[str, str]:
    """Name texts by channel and language as the files that they stand in."""
    return {
        f"templates/{channel}/{template}{'' if language == own else '.' + language}.j2": text
        for channel, by_language in texts.items()
        for language, text in by_language.items()
    }
