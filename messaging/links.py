"""Links in messages that act for their reader without a login; signed, so that nobody makes one up."""

import hmac
import re
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import parse_qs, urlencode, urlsplit

from messaging.keys import make_key, read_key
from messaging.settings import Settings

LINK_KEY_FILE = "link.key"
_TOKEN = re.compile(r"(msg_[0-9a-f]{32})\.([0-9a-f]{32})", re.ASCII)
_FORM = re.compile(r"([0-9]{1,12})\.([0-9a-f]{32})\.([0-9a-f]{32})", re.ASCII)
_REQUEST = re.compile(r"(req_[0-9a-f]{32})\.([0-9a-f]{32})", re.ASCII)
_OWN = re.compile(r"/[upcr]/(msg|req)_[0-9a-f]{32}\.", re.ASCII)
_CLICK = r"/r/msg_[0-9a-f]{32}\.[0-9a-f]{32}\?u=[^\s\"'<>&]*"
LONGEST = 2000  # characters of an address that a link leads on to


@dataclass(frozen=True)
class Links:
    """Makes and reads the links of one installation; build it with `read_links`."""

    key: bytes = field(repr=False)
    public_url: str

    def unsubscribe(self, message_id: str) -> str:
        """Give the address that ends mail like this message: a page for people, one POST for mailboxes."""
        return f"{self.public_url}/u/{message_id}.{self._sign(message_id)}"

    def message_id(self, token: str) -> str | None:
        """Read the token of an unsubscribe link: the message that carried it, or None if not ours."""
        found = _TOKEN.fullmatch(token)
        if found and hmac.compare_digest(found[2], self._sign(found[1])):
            return found[1]
        return None

    def confirm(self, request_id: str) -> str:
        """Give the address where a double opt-in is answered: a page for people, which grants by its button alone."""
        return f"{self.public_url}/c/{request_id}.{self._sign_request(request_id)}"

    def request_id(self, token: str) -> str | None:
        """Read the token of a double opt-in: the request that it answers, or None if not ours."""
        found = _REQUEST.fullmatch(token)
        if found and hmac.compare_digest(found[2], self._sign_request(found[1])):
            return found[1]
        return None

    def preferences(self, message_id: str) -> str:
        """Give the address of the page where the reader of a message says what they want from us, and what not."""
        return f"{self.public_url}/p/{message_id}.{self.sign('preferences', message_id)}"

    def preferences_id(self, token: str) -> str | None:
        """Read the token of a preference page: the message that carried it, or None if not ours."""
        found = _TOKEN.fullmatch(token)
        if found and hmac.compare_digest(found[2], self.sign("preferences", found[1])):
            return found[1]
        return None

    def click(self, message_id: str, url: str) -> str:
        """Give the address that leads a message's reader on to `url`, and to no other, and notes the click."""
        signed = self.sign("click", f"{message_id}:{url}")
        return f"{self.public_url}/r/{message_id}.{signed}?{_asked(url)}"

    def clicked_id(self, token: str, url: str) -> str | None:
        """Read the token of a click for the address that came with it: the message, or None if that is not ours."""
        found = _TOKEN.fullmatch(token)
        if found and hmac.compare_digest(found[2], self.sign("click", f"{found[1]}:{url}")):
            return found[1]
        return None

    def is_own(self, url: str) -> bool:
        """Say whether an address is a page of ours for the reader of one message, or leads by us already."""
        return url.startswith(self.public_url) and _OWN.match(url, len(self.public_url)) is not None

    def leads_by_us(self, text: str) -> bool:
        """Say whether a message holds a link that notes its click."""
        return re.search(re.escape(self.public_url) + _CLICK, text) is not None

    def led_on(self, text: str) -> str:
        """Give a text with the addresses that its links lead to, as its author wrote them."""

        def leads_to(found: re.Match[str]) -> str:
            return parse_qs(urlsplit(found.group()).query)["u"][0]

        return re.sub(re.escape(self.public_url) + _CLICK, leads_to, text)

    def form(self, issued: int, nonce: str) -> str:
        """Give the token that a form carries back: when it was given out (Unix seconds), and which one it is."""
        return f"{issued}.{nonce}.{self.sign('form', f'{issued}.{nonce}')}"

    def form_of(self, token: str) -> tuple[int, str] | None:
        """Read the token of a form: when it was given out, and which one it is; None if not ours."""
        found = _FORM.fullmatch(token)
        if found and hmac.compare_digest(found[3], self.sign("form", f"{found[1]}.{found[2]}")):
            return int(found[1]), found[2]
        return None

    def _sign_request(self, request_id: str) -> str:
        return self.sign("confirm", request_id)

    def _sign(self, message_id: str) -> str:
        return self.sign("unsubscribe", message_id)

    def sign(self, use: str, text: str) -> str:
        """Sign a text for one use, in 32 hex digits: what is signed for one is nothing for another."""
        signed = hmac.digest(self.key, f"{use}:{text}".encode("utf-8", "surrogatepass"), "sha256")
        return signed.hex()[:32]


def read_links(settings: Settings) -> Links:
    """Read the link key of an installation, or make it."""
    path = settings.secrets_dir / LINK_KEY_FILE
    return Links(read_key(path) or make_key(path), settings.public_url.rstrip("/"))


@lru_cache(maxsize=1024)  # most links of a campaign are the same in each of its messages
def _asked(url: str) -> str:
    return urlencode({"u": url})


def is_web_address(url: str) -> bool:
    """Say whether an address leads into the web, and holds nothing that a header may not."""
    if len(url) > LONGEST or not url.isprintable() or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
