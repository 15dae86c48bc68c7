"""How an e-mail is designed: in HTML or in MJML, in its layout, with pictures by name and CSS written into the tags.

All of it is done once, when a template is read, and not for each message. What is to be filled in stays to be filled in: it
is put aside while MJML and CSS are worked upon, as neither knows of it (`{% if order_count < 2 %}` would be no XML).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from html import escape
from html.parser import HTMLParser
from itertools import count

import css_inline
import mjml

from data_contracts.errors import TemplateError
from messaging.rendering.mail import VOID

CONTENT = "{{ content }}"
BARE_MJML = f"<mjml><mj-body>{CONTENT}</mj-body></mjml>"
LAYOUTS = {"html": "layouts/email.j2", "mjml": "layouts/email.mjml"}
FILLED = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_MARK = re.compile(r"RPFILLED([0-9]+)X")
AT = "data-numbered"
_AT = re.compile(rf'{AT}="([0-9]+)"')
_NAME = re.compile(r"<[A-Za-z][\w:-]*")
_STYLE = re.compile(r"""(\s+style\s*=\s*)("[^"]*"|'[^']*'|[^\s>]+)""", re.IGNORECASE)
_TAG = re.compile(r"""<!--.*?-->|<(?:[^>"']|"[^"]*"|'[^']*')*>""", re.DOTALL)
_INLINE_STYLE = re.compile(r"<mj-style\s+inline=(?:\"inline\"|'inline')\s*>(.*?)</mj-style>", re.DOTALL)
_BEGINS_MJML = re.compile(r"\s*(?:\{%.*?%\}\s*|\{#.*?#\}\s*)*<(?:mj-|product-card\b)", re.DOTALL)
_CARD = re.compile(r"<product-card\b([^>]*?)/>", re.DOTALL)
_ATTRIBUTE = re.compile(r"([a-z][a-z-]*)\s*=\s*\"([^\"]*)\"")
_ASSET = re.compile(r"(?<=[\"'])asset:([A-Za-z0-9][A-Za-z0-9._-]*)")
_POSITION = re.compile(r" ?(?:at position )?(\d+):(\d+)")
CARD_KEYS = ("button", "href", "image")


@dataclass(frozen=True)
class Design:
    """What an installation's e-mails share: a layout for HTML and one for MJML, and its pictures.

    `assets` gives by a picture's name the one that it is served under, which says what is in it.
    """

    html: str = CONTENT
    mjml: str = BARE_MJML
    assets: Mapping[str, str] = field(default_factory=dict)


class Filled:
    """A text whose parts that are filled in were put aside, each behind a mark, line by line as it was."""

    def __init__(self, text: str) -> None:
        self._aside: list[str] = []
        self.text = FILLED.sub(self._put, text)

    def restore(self, text: str) -> str:
        """Put everything back."""
        return _MARK.sub(self._given, text)

    def _given(self, found: re.Match[str]) -> str:
        number = int(found[1])
        return self._aside[number] if number < len(self._aside) else found.group()

    def _put(self, found: re.Match[str]) -> str:
        self._aside.append(found.group())
        return f"RPFILLED{len(self._aside) - 1}X" + "\n" * found.group().count("\n")


def is_mjml(body: str) -> bool:
    """Say whether a body is written in MJML: it begins with one of its blocks."""
    return _BEGINS_MJML.match(body) is not None


def assets_in(text: str) -> list[str]:
    """Name the pictures of the library that a text shows."""
    return _ASSET.findall(text)


def with_assets(source: str, assets: Mapping[str, str], where: Callable[[int], str]) -> str:
    """Give a source with the addresses of its pictures; `where` names one of its lines. Raises TemplateError."""

    def served(found: re.Match[str]) -> str:
        if found[1] not in assets:
            near = get_close_matches(found[1], assets, 1)
            told = f"Did you mean {near[0]}?" if near else "Put it into the library's folder `assets`."
            line = where(source.count("\n", 0, found.start()) + 1)
            raise TemplateError(f"{line}: there is no picture {found[1]!r}.", told)
        return f"{{{{ assets_url }}}}/{assets[found[1]]}"

    return _ASSET.sub(served, source)


def with_cards(body: str, where: Callable[[int], str]) -> str:
    """Write out the product cards of a body in MJML, each on its line. Raises TemplateError."""
    filled = Filled(body)

    def card(found: re.Match[str]) -> str:
        given = dict(_ATTRIBUTE.findall(found[1]))
        line = where(filled.text.count("\n", 0, found.start()) + 1)
        if unknown := sorted(set(given) - set(CARD_KEYS)):
            raise TemplateError(
                f"{line}: a product card has no {unknown[0]!r}.", f"It has {', '.join(CARD_KEYS)}."
            )
        if missing := [key for key in ("button", "href") if not given.get(key)]:
            raise TemplateError(
                f"{line}: a product card has no {missing[0]!r}.", f'Write {missing[0]}="...".'
            )
        return _card(given) + "\n" * found.group().count("\n")

    return filled.restore(_CARD.sub(card, filled.text))


def _card(given: Mapping[str, str]) -> str:
    """Give the MJML of a card with the product that suits its reader, where there is one."""
    picture = ""
    if given.get("image"):
        picture = (
            '<mj-column width="35%" vertical-align="middle">'
            f'<mj-image src="{given["image"]}" alt="" padding="12px"/></mj-column>'
        )
    width = "65%" if picture else "100%"
    return (
        '<mj-raw>{% if suggested_product %}</mj-raw><mj-section padding="0 24px 16px"><mj-group width="100%">'
        f'{picture}<mj-column width="{width}" vertical-align="middle">'
        '<mj-text font-size="18px" font-weight="600" padding="12px 12px 4px">{{ suggested_product | shorten(60) }}</mj-text>'
        f'<mj-button href="{given["href"]}" align="left" padding="4px 12px 12px">{given["button"]}</mj-button>'
        "</mj-column></mj-group></mj-section><mj-raw>{% endif %}</mj-raw>"
    )


def html_of(source: str, language: str, *, mjml_source: bool, where: Callable[[int], str]) -> str:
    """Make the HTML of a template's source, with its CSS in the tags; nothing is fetched. Raises TemplateError."""
    if not mjml_source:
        return _inlined(source, None) if "<style" in source.lower() else source
    filled = Filled(source)
    css = "\n".join(_INLINE_STYLE.findall(filled.text))
    text = _INLINE_STYLE.sub(lambda found: "\n" * found.group().count("\n"), filled.text)
    text = text.replace("<mjml>", f'<mjml lang="{escape(language)}">', 1)
    try:
        made = mjml.mjml2html(text, fonts={})  # no font is fetched from anywhere, and no file is included
    except ValueError as error:
        line, told = _what_is_wrong(text, str(error))
        raise TemplateError(
            f"{where(line)}: this is no MJML: {told}.", "Close every tag, also <br/>, and write & as &amp;."
        ) from None
    made = filled.restore(made)
    return _inlined(made, css) if css.strip() else made


class _Unclosed(HTMLParser):
    """Finds the first tag that closes another than the last one that was opened, and the line where it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.found: tuple[int, str] | None = None
        self._open: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag not in VOID:
            self._open.append((tag, self.getpos()[0]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Pass over what is closed at once."""

    def handle_endtag(self, tag: str) -> None:
        if self.found is not None or tag in VOID:
            return
        last, line = self._open.pop() if self._open else ("", 0)
        if tag != last:
            began = f"<{last}> of line {line} is not closed" if last else "nothing is open"
            self.found = (self.getpos()[0], f"</{tag}> stands where {began}")


def _what_is_wrong(text: str, said: str) -> tuple[int, str]:
    """Say what keeps a text from being MJML, and in which line of it."""
    looked = _Unclosed()
    looked.feed(text)
    if looked.found is not None:
        return looked.found
    found = _POSITION.search(said)
    line = text.count("\n", 0, int(found[1])) + 1 if found else 1
    return line, _POSITION.sub("", said).strip()


def _inlined(html: str, css: str | None) -> str:
    """Write CSS into the tags that it is for: that of `<style>`, which stays for what tags cannot hold, or `css` alone.

    Nothing but `style` changes: a parser of HTML adds tags of its own, which conditions would then cut in two. So the tags
    are numbered, and what the parser gives each is written back.
    """
    filled = Filled(html)
    try:
        made = css_inline.inline(
            _each_start_tag(
                filled.text, lambda number, tag: _NAME.sub(rf'\g<0> {AT}="{number}"', tag, count=1)
            ),
            inline_style_tags=css is None,
            keep_style_tags=True,
            extra_css=css,
            load_remote_stylesheets=False,
        )
    except (css_inline.InlineError, ValueError) as error:
        raise TemplateError(f"Its CSS cannot be written into the tags: {error}.", "Correct it.") from None
    styles: dict[int, str] = {}
    for tag in _TAG.findall(made):
        at, style = _AT.search(tag), _STYLE.search(tag)
        if at and style:
            styles.setdefault(int(at[1]), style[2])
    return filled.restore(_each_start_tag(filled.text, lambda number, tag: _styled(tag, styles.get(number))))


def _each_start_tag(text: str, work: Callable[[int, str], str]) -> str:
    numbers = count()
    return _TAG.sub(
        lambda found: work(next(numbers), found.group()) if _NAME.match(found.group()) else found.group(),
        text,
    )


def _styled(tag: str, style: str | None) -> str:
    """Give a tag with its style, where it has another one; what depends on its reader is left as it is."""
    own = _STYLE.search(tag)
    if style is None or (own and (_MARK.search(own[2]) or _bare(own[2]) == _bare(style))):
        return tag
    if own:
        return f"{tag[: own.start()]} style={style}{tag[own.end() :]}"
    end = len(tag) - (2 if tag.endswith("/>") else 1)
    return f"{tag[:end].rstrip()} style={style}{tag[end:]}"


def _bare(style: str) -> str:
    return re.sub(r"[\s;\"']", "", style)
