"""E-mail out of one source: the HTML that a person wrote, and the plain text that is read from it once.

The text is derived from the template, not from each message: the words between the tags stay templates.
"""

import re
from html.parser import HTMLParser

from data_contracts.errors import TemplateError

SAFE_LINK = re.compile(r"(https://|http://|mailto:|tel:|\{\{ ?[a-z_]+_url ?\}\}([?#/]|$))", re.ASCII)
FILLED_TAG = re.compile(r"<[/!]?\s*\{")
# Of the company, no data about anybody: a colour is six digits in hex, and a picture that stands for the name says it.
COMPANYS = {
    "style": re.compile(r"(?<=:)\s*\{\{ ?company_colour ?\}\}(?=[;\s]|$)"),
    "bgcolor": re.compile(r"^\{\{ ?company_colour ?\}\}$"),
    "alt": re.compile(r"^\{\{ ?company_name ?\}\}$"),
}
BLOCKS = frozenset(
    ("p", "div", "h1", "h2", "h3", "h4", "table", "tr", "ul", "ol", "blockquote", "section", "footer")
)
INLINE = frozenset(("span", "strong", "b", "em", "i", "u", "a", "img", "br", "hr", "small", "sup", "center"))
PARTS = frozenset(("html", "head", "body", "title", "meta", "style", "td", "th", "tbody", "thead", "li"))
ALLOWED_TAGS = BLOCKS | INLINE | PARTS
HIDDEN = frozenset(("head", "title", "style"))
VOID = frozenset(("br", "hr", "img", "meta"))


class _Words(HTMLParser):
    """Collects the words of a page, its links behind their words."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden: list[str] = []
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ALLOWED_TAGS:
            raise TemplateError(
                f"An e-mail may not hold <{tag}>.", "Remove it: mail programs would, or worse."
            )
        for key, value in attrs:
            _check_attribute(tag, key, (value or "").strip())
        attributes = dict(attrs)
        if (
            tag in HIDDEN
            or "display:none" in (attributes.get("style") or "").replace(" ", "")
            or (self._hidden and tag not in VOID)
        ):
            self._hidden.append(tag)
        elif tag == "img" and COMPANYS["alt"].match((attributes.get("alt") or "").strip()):
            self.parts.append((attributes["alt"] or "").strip())
        elif tag == "a":
            self._links.append((attributes.get("href") or "").strip())
        elif tag == "br":
            self.parts.append("\n")
        elif tag == "li":
            self.parts.append("\n- ")
        elif tag in BLOCKS:
            self.parts.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag == self._hidden[-1]:
                self._hidden.pop()
        elif tag == "a" and self._links:
            link = self._links.pop()
            self.parts.append(f": {link}" if link else "")
        elif tag in BLOCKS:
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if self._hidden and "style" in self._hidden and "{{" in data:
            raise TemplateError("<style> may not be filled in from data.", "Write it out.")
        if not self._hidden:
            self.parts.append(re.sub(r"[ \t\r\n]+", " ", data))


def _check_attribute(tag: str, key: str, value: str) -> None:
    if "{" in key:
        raise TemplateError(f"<{tag}> may not get attributes from data.", "Write them out.")
    if key.startswith("on") or key in {"srcset", "background", "formaction", "srcdoc"}:
        raise TemplateError(f"<{tag}> may not carry {key!r} in an e-mail.", "Remove it.")
    if key in {"href", "src", "action"} and not SAFE_LINK.match(value):
        raise TemplateError(
            f"<{tag} {key}> leads somewhere that is neither a web nor a mail address.",
            "Begin it with https://, mailto: or tel:, or use a value whose name ends in _url.",
        )
    ours = COMPANYS.get(key)
    if key not in {"href", "src"} and "{{" in (ours.sub("", value) if ours else value):
        raise TemplateError(f"<{tag} {key}> may not be filled in from data.", "Write it out.")


def plain_text(html: str) -> str:
    """Read the plain text out of an HTML template; what is to be filled in stays to be filled in.

    Raises TemplateError for tags, attributes and links that have no place in an e-mail.
    """
    if FILLED_TAG.search(html):
        raise TemplateError("The name of a tag may not be filled in from data.", "Write it out.")
    words = _Words()
    words.feed(html)
    words.close()
    text = re.sub(r" *\n *", "\n", "".join(words.parts))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
