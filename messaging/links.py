"""Links in messages that act for their reader without a login; signed, so that nobody makes one up."""

import hashlib
import hmac
import re
from dataclasses import dataclass, field

from messaging.keys import make_key, read_key
from messaging.settings import Settings

LINK_KEY_FILE = "link.key"
_TOKEN = re.compile(r"(msg_[0-9a-f]{32})\.([0-9a-f]{32})", re.ASCII)
_REQUEST = re.compile(r"(req_[0-9a-f]{32})\.([0-9a-f]{32})", re.ASCII)


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

    def _sign_request(self, request_id: str) -> str:
        return hmac.new(self.key, f"confirm:{request_id}".encode(), hashlib.sha256).hexdigest()[:32]

    def _sign(self, message_id: str) -> str:
        return hmac.new(self.key, f"unsubscribe:{message_id}".encode(), hashlib.sha256).hexdigest()[:32]


def read_links(settings: Settings) -> Links:
    """Read the link key of an installation, or make it."""
    path = settings.secrets_dir / LINK_KEY_FILE
    return Links(read_key(path) or make_key(path), settings.public_url.rstrip("/"))
