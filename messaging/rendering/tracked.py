"""Links of a rendered message that lead by us: UTM parameters for the shop's own statistics, and a click that we see.

Rewritten once, when the message is rendered, so that what is stored and approved is what is sent. Links of our own pages
(to leave, to choose) stay as they are, and so does whatever we could not lead on to.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from html import escape, unescape
from urllib.parse import parse_qsl, urlencode

from data_contracts.errors import TemplateError
from messaging.links import Links, is_web_address
from messaging.rendering.segments import count_segments
from messaging.rendering.templates import LONGEST, Rendered

# Attributes before `href` are skipped as a whole: one of them may hold the letter >.
_ANCHOR = re.compile(
    r"""(?P<before><a(?:\s(?:[^>"']|"[^"]*"|'[^']*')*?)?\shref\s*=\s*)(?P<link>"[^"]*"|'[^']*'|[^\s>"']+)""",
    re.IGNORECASE,
)
_WRITTEN = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_BEHIND = ".,;:!?…"  # what stands behind a link in a sentence is no part of it


def track(
    rendered: Rendered, links: Links, message_id: str, channel: str, utm: Mapping[str, str]
) -> Rendered:
    """Lead the links of a message by our redirect, with UTM parameters that they do not have yet.

    Raises TemplateError where a text message grows longer than one may be.
    """
    made: dict[str, str] = {}

    def lead(url: str) -> str:
        if url not in made:
            made[url] = _led(links, message_id, url, utm)
        return made[url]

    html = None if rendered.html is None else _in_html(rendered.html, lead)
    body = _WRITTEN.sub(lambda found: _in_text(found.group(), lead), rendered.body)
    if channel != "sms":
        return replace(rendered, body=body, html=html)
    if len(body) > LONGEST["sms"]:
        raise TemplateError(
            f"With links that lead by us, a text message has {len(body)} characters; {LONGEST['sms']} is the most.",
            "Take `sms: true` out of the campaign's `links`, or shorten the text.",
        )
    return replace(rendered, body=body, segment_count=count_segments(body))


def with_utm(url: str, utm: Mapping[str, str]) -> str:
    """Give a link the UTM parameters that it does not have: what stands in it already stays letter by letter."""
    bare, mark, fragment = url.partition("#")
    path, asks, query = bare.partition("?")
    has = {key.lower() for key, _ in parse_qsl(query, keep_blank_values=True)}
    added = urlencode({f"utm_{key}": value for key, value in utm.items() if f"utm_{key}" not in has})
    if not added:
        return url
    joint = "&" if query and not query.endswith("&") else ""
    return f"{path}?{query}{joint}{added}{mark}{fragment}" if asks else f"{path}?{added}{mark}{fragment}"


def _led(links: Links, message_id: str, url: str, utm: Mapping[str, str]) -> str:
    if links.is_own(url):
        return url
    told = _told(url, tuple(utm.items()))
    return url if told is None else links.click(message_id, told)


@lru_cache(maxsize=1024)  # most links of a campaign are the same in each of its messages
def _told(url: str, utm: tuple[tuple[str, str], ...]) -> str | None:
    """Give the address that a click leads on to; None where we lead to none like it."""
    if not is_web_address(url):
        return None
    told = with_utm(url, dict(utm))
    return told if is_web_address(told) else url


def _in_html(html: str, lead: Callable[[str], str]) -> str:
    def rewritten(found: re.Match[str]) -> str:
        link = found["link"]
        bare = link[1:-1] if link[0] in "\"'" else link
        url = unescape(bare).strip()
        led = lead(url)
        return found.group() if led == url else f'{found["before"]}"{escape(led)}"'

    return _ANCHOR.sub(rewritten, html)


def _in_text(written: str, lead: Callable[[str], str]) -> str:
    """Lead what is a link of the text, and leave the sentence's own full stop or bracket behind it."""
    url = written
    while url and (url[-1] in _BEHIND or (url[-1] == ")" and url.count(")") > url.count("("))):
        url = url[:-1]
    return lead(url) + written[len(url) :]
