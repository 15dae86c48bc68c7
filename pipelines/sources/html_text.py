"""The text of an HTML mail, as plain text with `>` in front of quoted lines."""

import re
from html.parser import HTMLParser

BREAKING = frozenset(
    [
        "p",
        "div",
        "br",
        "tr",
        "li",
        "ul",
        "ol",
        "table",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "pre",
        "hr",
        "blockquote",
        "section",
    ]
)
SILENT = frozenset(["head", "style", "script", "title", "template"])
RULE = "_" * 32
LONGEST = 1_000_000  # characters of markup that are looked at; the style sheets of some mails come before a word of text
# A tag that begins and does not end: of these the standard library's parser looks at the whole rest again and again
# (20,000 characters of `<a ` took it 4 seconds, 2026-11-22).
_UNENDED = re.compile(r"<(?=[^<>]*(?:<|\Z))")


class _Text(HTMLParser):
    """Collects lines; knows how deep it is in quotations and in elements that show nothing."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = [""]
        self.quotes = 0
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the base class calls it so
        if tag in SILENT:
            self.silent += 1
        if tag == "br":
            self.lines.append(self._prefix())
        elif tag in BREAKING:
            self._break()
        if tag == "blockquote":
            self.quotes += 1
            self._restart()
        if tag == "hr":
            self.lines[-1] += RULE
            self._break()

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT:
            self.silent = max(0, self.silent - 1)
        if tag in BREAKING - {"br", "hr"}:
            self._break()
        if tag == "blockquote":
            self.quotes = max(0, self.quotes - 1)
            self._restart()
        if tag == "p":
            self.lines.append(self._prefix())

    def handle_data(self, data: str) -> None:
        if self.silent:
            return
        text = re.sub(r"\s+", " ", data)
        self.lines[-1] += text.lstrip() if self._empty() else text

    def parse_marked_section(self, i: int, report: bool = True) -> int:  # noqa: FBT001, FBT002 - as in the base class
        """Pass over `<![whatever`, at which the standard library stops with an error that is no HTML's."""
        try:
            return super().parse_marked_section(i, report)
        except AssertionError:
            return self.rawdata.find(">", i) + 1 or -1

    def _break(self) -> None:
        if not self._empty():
            self.lines.append(self._prefix())

    def _restart(self) -> None:
        if self._empty():
            self.lines[-1] = self._prefix()

    def _empty(self) -> bool:
        return not self.lines[-1].lstrip("> ")

    def _prefix(self) -> str:
        return "> " * min(self.quotes, 10)


def html_text(markup: str) -> str:
    """Give the text of a piece of HTML; never fails, whatever the markup, and takes time in proportion to its length."""
    parser = _Text()
    parser.feed(_UNENDED.sub("&lt;", _uncommented(markup[:LONGEST])))
    parser.close()
    return "\n".join(line.rstrip() for line in parser.lines).strip()


def _uncommented(markup: str) -> str:
    """Leave comments out; one without an end goes to the end."""
    kept: list[str] = []
    place = 0
    while (start := markup.find("<!--", place)) >= 0:
        kept.append(markup[place:start])
        end = markup.find("-->", start + 4)
        if end < 0:
            return "".join(kept)
        place = end + 3
    return "".join((*kept, markup[place:]))
