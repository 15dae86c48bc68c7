"""A template in an editor: looked at as any customer before it is saved, and as the audit has to know of."""

import base64
import mimetypes
from collections.abc import Sequence
from pathlib import Path

from messaging import audit
from messaging.access import Sight
from messaging.brand import worn
from messaging.campaigns import Library
from messaging.desk import masking
from messaging.desk.writing import Desk
from messaging.rendering.designs import LAYOUTS
from messaging.rendering.findings import Finding
from messaging.settings import Settings
from messaging.templates import check_templates
from messaging.templates.previews import Preview, facts_of, preview

ASSETS = "/a/"  # of the public address: where pictures of mails are served


def looked_at(  # noqa: PLR0913 - what is looked at, as whom, by whom
    desk: Desk,
    draft: Library,
    file: tuple[str, str, str],
    customer_id: str | None,
    *,
    sight: Sight,
    actor: str | None,
) -> Preview:
    """Render a template (channel, name, language) as a customer would get it, or somebody made up; who is audited.

    The customer is masked as whoever looks may see them: a text could show any column of theirs.

    `actor` is None where they saw this customer's last time, and it is told already.

    Raises TemplateError or RefusedError where the text is wrong, and NotFoundError where nobody has that id.
    """
    channel, name, language = file
    person = None
    if customer_id is not None:
        if actor is not None:
            with desk.store.write() as connection:
                audit.record(connection, actor, "template.preview", customer_id, at=desk.clock.now())
        known = facts_of(desk.customers, desk.store, customer_id)
        person = masking.facts(known, sight, draft.contract, hidden=None)
    (shown,) = preview(
        desk.settings, draft, name, person, desk.clock.now(), channel=channel, language=language
    )
    return shown


def findings(draft: Library, file: tuple[str, str, str]) -> Sequence[Finding]:
    """Say what is wrong with a template's file, or could be better."""
    channel, name, language = file
    place = draft.template_path(channel, name, language).relative_to(draft.folder).as_posix()
    return [each for each in check_templates(draft, name) if each.file == place]


def layouts_without(settings: Settings) -> list[tuple[str, str]]:
    """Name each layout of the library that lacks the company's colour or logo though there is one, and what it lacks."""
    brand, found = worn(settings), []
    wanted = {"company_colour": bool(brand.colour), "company_logo_url": brand.logo is not None}
    for file in LAYOUTS.values():
        path = settings.library_dir / file
        text = path.read_text(encoding="utf-8") if path.is_file() else None
        found += [
            (file, name) for name, has in wanted.items() if has and text is not None and name not in text
        ]
    return found


def self_contained(settings: Settings, html: str) -> str:
    """Put pictures of ours into a mail's HTML, so that a page shows it and asks nobody for anything."""
    base = f"{settings.public_url.rstrip('/')}{ASSETS}"
    for path in settings.assets_dir.glob("*") if base in html else ():
        html = html.replace(f"{base}{path.name}", _data(path))
    return html


def _data(path: Path) -> str:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
