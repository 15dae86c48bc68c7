"""Which parts of a mail a reader sees as its text."""

from collections.abc import Iterable
from typing import NamedTuple

from pipelines.sources.attachments import is_file
from pipelines.sources.html_text import html_text
from pipelines.sources.mime import Part


class Shown(NamedTuple):
    """The text of a mail, and the parts that it was read from."""

    text: str
    parts: tuple[Part, ...]

    @property
    def is_empty(self) -> bool:
        """Say whether there is nothing to read."""
        return not self.text or self.text.isspace()


NOTHING = Shown("", ())
_SIMPLE = ("text/plain", "multipart/mixed")


def shown_text(part: Part) -> Shown:
    """Find a mail's text: the plain form where there is one, else the HTML one as text.

    Of parts beside one another all are read, as some programs write on below a picture; a mail within the mail is not.
    """
    if not part.children:
        return _leaf(part)
    if part.kind == "multipart/alternative":  # its last form is the richest
        simple = [child for child in part.children if child.kind in _SIMPLE]
        return _first((*simple, *reversed(part.children)))
    if part.kind in {"multipart/related", "multipart/report"}:  # the others are pictures, or for programs
        return shown_text(part.children[0])
    plain = _joined(child for child in part.children if child.kind != "text/html")
    return plain if not plain.is_empty else _joined(part.children)


def _first(parts: Iterable[Part]) -> Shown:
    return next((shown for part in parts if not (shown := shown_text(part)).is_empty), NOTHING)


def _joined(parts: Iterable[Part]) -> Shown:
    found = [shown for part in parts if not (shown := shown_text(part)).is_empty]
    if len(found) == 1:
        return found[0]
    return Shown(
        "\n".join(shown.text for shown in found), tuple(part for shown in found for part in shown.parts)
    )


def _leaf(part: Part) -> Shown:
    if is_file(part):
        return NOTHING
    if part.kind == "text/html":
        return Shown(html_text(part.text), (part,))
    return Shown(part.text, (part,)) if part.kind == "text/plain" else NOTHING
