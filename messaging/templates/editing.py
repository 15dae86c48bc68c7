"""Templates taken back to an earlier version, where nobody else has changed the file meanwhile."""

import difflib
from datetime import datetime

from data_contracts.errors import RefusedError
from messaging import audit
from messaging.campaigns import Library, save
from messaging.rendering import Compiled, read_template
from messaging.rendering.checking import check_contract
from messaging.rendering.templates import OWN_LANGUAGE
from messaging.store import Store
from messaging.template_versions import Version, files_of, find_version, keep, text_hash, versions_of


def history(store: Store, library: Library, template: str, actor: str, now: datetime) -> list[Version]:
    """Keep a template as it stands, and give all its versions, the newest first. Raises NotFoundError."""
    texts = current_texts(library, template)
    with store.write() as connection:
        keep(connection, template, texts, now, actor, "history")
        return versions_of(connection, template)


def diff(store: Store, library: Library, template: str, begins: str | None) -> str:
    """Give what became of a version until now, as a unified diff; unless told, of the newest that stands no more.

    Raises NotFoundError where no version is named so.
    """
    texts = current_texts(library, template)
    now = {file: text_hash(text) for file, text in texts.items()}
    with store.read() as connection:
        if begins is None:
            past = [each for each in versions_of(connection, template) if now.get(each.file) != each.hash]
            if not past:
                return ""
            begins = past[0].hash
        version, text = find_version(connection, template, begins)
    lines = difflib.unified_diff(
        text.splitlines(keepends=True),
        texts.get(version.file, "").splitlines(keepends=True),
        f"{version.file} {version.hash[:12]}",
        f"{version.file} as it stands",
    )
    return "".join(lines)


def roll_back(  # noqa: PLR0913, PLR0917 - who takes what back to what
    store: Store, library: Library, template: str, begins: str, actor: str, now: datetime
) -> Version:
    """Write a version back into its file, and keep what stood there.

    Raises NotFoundError, TemplateError where that version would be refused today, or RefusedError.
    """
    with store.read() as connection:
        version, text = find_version(connection, template, begins)
    before = current_texts(library, template).get(version.file)
    _, channel, name = version.file.split("/")
    language = name.removesuffix(".j2").partition(".")[2] or OWN_LANGUAGE
    candidate = read_template(channel, template, language, text, library.design())
    Compiled(candidate, [column.name for column in library.contract.columns])
    for found in check_contract(candidate, library.contract):
        raise RefusedError(f"{found.file}, line {found.line} of that version: {found.sentence}", found.mend)
    with store.write() as connection:
        kept = {version.file: before} if before is not None else {}
        keep(connection, template, kept, now, actor, "rollback")
        save(library.folder / version.file, text, expected=before)
        detail = {"file": version.file, "hash": version.hash}
        audit.record(connection, actor, "template.rollback", template, detail, at=now)
    return version


def current_texts(library: Library, template: str) -> dict[str, str]:
    """Give the texts of a template as they stand, by file. Raises NotFoundError."""
    return files_of(template, library.template_texts(template))
