"""Templates taken back to an earlier version, where nobody else has changed the file meanwhile."""

import difflib
import re
from datetime import datetime

from data_contracts.errors import RefusedError, TemplateError
from messaging import audit
from messaging.campaigns import Library, save
from messaging.rendering import Compiled, read_template
from messaging.rendering.checking import check_contract
from messaging.rendering.templates import OWN_LANGUAGE
from messaging.store import Store
from messaging.template_versions import Version, files_of, find_version, keep, text_hash, versions_of

FILE_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,59}")


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


def save_template(  # noqa: PLR0913 - whose file, and who writes what upon what
    library: Library,
    store: Store,
    file: tuple[str, str, str],
    text: str,
    *,
    read: str | None,
    actor: str,
    now: datetime,
) -> str:
    """Write a template's file over the one whose hash its editor has read; give the hash of what stands there now.

    `file` is its channel, name and language; `read` is None for one that is new. What was there is kept as a version.
    Raises TemplateError or RefusedError where it would be refused in a plan, and RefusedError where somebody else wrote
    it since it was read.
    """
    channel, name, language = file
    if not FILE_NAME.fullmatch(name):
        raise TemplateError(f"A template cannot be named {name[:60]!r}.", "Use small letters, digits and _.")
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # as browsers send it
    _refuse_wrong(library, channel, name, language, text)
    path = library.template_path(channel, name, language)
    stands = path.read_text(encoding="utf-8") if path.exists() else None
    if (text_hash(stands) if stands is not None else None) != read:
        raise RefusedError(
            f"{path.name} was changed by somebody else since you read it; nothing was written.",
            "Read it again, and do it upon what stands there now.",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    place = path.relative_to(library.folder).as_posix()
    with store.write() as connection:
        if stands is not None:
            keep(connection, name, {place: stands}, now, actor, "save")
        keep(connection, name, {place: text}, now, actor, "save")
        audit.record(
            connection, actor, "template.save", name, {"file": place, "hash": text_hash(text)}, at=now
        )
        save(path, text, expected=stands)
    return text_hash(text)


def _refuse_wrong(library: Library, channel: str, name: str, language: str, text: str) -> None:
    candidate = read_template(channel, name, language, text, library.design())
    Compiled(candidate, [column.name for column in library.contract.columns])
    for found in check_contract(candidate, library.contract):
        raise RefusedError(f"{found.file}, line {found.line} of that version: {found.sentence}", found.mend)


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
    _refuse_wrong(library, channel, template, language, text)
    with store.write() as connection:
        kept = {version.file: before} if before is not None else {}
        keep(connection, template, kept, now, actor, "rollback")
        detail = {"file": version.file, "hash": version.hash}
        audit.record(connection, actor, "template.rollback", template, detail, at=now)
        save(library.folder / version.file, text, expected=before)  # last: a refusal leaves it as it was
    return version


def current_texts(library: Library, template: str) -> dict[str, str]:
    """Give the texts of a template as they stand, by file. Raises NotFoundError."""
    return files_of(template, library.template_texts(template))
