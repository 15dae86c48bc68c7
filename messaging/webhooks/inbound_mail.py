"""Mails that SendGrid's Inbound Parse posts: a form of parts, which becomes a message like any other.

https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook
What they quote of ours is cut off; what a program wrote (an absence, a bounce) is kept, and obeyed or answered by nobody.
"""

import codecs
import json
import re
from collections.abc import Mapping
from email.message import Message
from email.parser import HeaderParser
from email.policy import compat32
from email.utils import getaddresses

from messaging.addresses import normalise_email
from messaging.inbox import Inbound, new_words
from messaging.webhooks.mail_authentication import proof_of
from messaging.webhooks.mail_pages import text_of
from messaging.webhooks.posted_mails import read_parts, read_whole

PROVIDER = "sendgrid"
LONGEST = 100_000  # characters of a mail's words that are kept
_AUTOMATIC = re.compile(r"^(mailer-daemon|postmaster|no-?reply|donotreply)@", re.IGNORECASE)
# What Python decodes beside the charsets of mails: the first two take minutes for some megabytes.
_NO_CHARSETS = {"punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined"}
_TOLD = (
    "subject",
    "spf",
    "dkim",
    "envelope",
    "sender_ip",
    "spam_score",
    "attachments",
)  # kept beside the words


def read_mail(content_type: str, body: bytes, digest: str) -> Inbound | None:
    """Read a post, or give None where it does not say whom one mail is from; `digest` names one without a Message-ID."""
    fields = _fields(content_type, body)
    if "email" in fields:
        mail = read_whole(fields["email"].encode("utf-8", "surrogateescape"))
        headers, text, html = mail, _part_of(mail, "text/plain"), _part_of(mail, "text/html")
    else:
        headers = HeaderParser(policy=compat32).parsestr(fields.get("headers", ""))
        text, html = fields.get("text", ""), fields.get("html", "")
    written_from = [str(each) for each in headers.get_all("From", [])]
    sender = _one_address(fields.get("from", "")) or _one_address("".join(written_from[:1]))
    recipient = _one_address(fields.get("to") or str(headers.get("To", "")))
    if sender is None:
        return None
    written = text if text.strip() else text_of(html[: 4 * LONGEST])
    return Inbound(
        provider=PROVIDER,
        provider_sid=_message_id(headers) or f"digest/{digest}",
        channel="email",
        from_address=sender,
        to_address=recipient or "",
        body=_clean(new_words(written[:LONGEST])),
        payload={name: _clean(fields[name])[:2000] for name in _TOLD if name in fields}
        | {
            "in_reply_to": _clean(str(headers.get("In-Reply-To", "")))[:500],
            "text": _clean(written[:LONGEST]),
        },
        automatic=_is_automatic(headers, sender),
        proven_by=proof_of(fields, sender, written_from),
    )


def _fields(content_type: str, body: bytes) -> dict[str, str]:
    """Read the parts that are no files, each in the charset that the post names."""
    raw: dict[str, bytes] = {}
    for part in read_parts(content_type, body):
        if part.name and not part.is_file:
            raw.setdefault(part.name, part.decoded())
    charsets = _charsets(raw.get("charsets", b""))
    return {name: _decoded(content, charsets.get(name)) for name, content in raw.items()}


def _charsets(told: bytes) -> Mapping[str, str]:
    try:
        named = json.loads(told or b"{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(named, dict):
        return {}
    return {name.lower(): charset for name, charset in named.items() if isinstance(charset, str)}


def _decoded(content: bytes, charset: str | None) -> str:
    for name in (charset or "utf-8", "utf-8", "windows-1252"):
        try:
            if codecs.lookup(name).name not in _NO_CHARSETS:
                return content.decode(name)
        except (LookupError, UnicodeError, ValueError):
            continue
    return content.decode("latin-1")


def _part_of(mail: Message, kind: str) -> str:
    for part in mail.walk():
        if part.get_content_type() == kind and part.get_filename() is None:
            content = part.get_payload(decode=True)
            return _decoded(content, part.get_content_charset()) if isinstance(content, bytes) else ""
    return ""


def _one_address(header: str) -> str | None:
    """Give the first address of a header; of several writers nobody knows who means it.

    SendGrid decodes names and leaves out their quotes: `Murphy, Anne <anne@example.com>` begins with what is none.
    """
    try:
        found = [normalise_email(address) for _, address in getaddresses([header[:2000]])]
    except (ValueError, IndexError):
        return None
    return next((address for address in found if address), None)


def _message_id(headers: Message) -> str:
    return _clean("".join(str(headers.get("Message-ID", "")).split()))[:400]


def _is_automatic(headers: Message, sender: str) -> bool:
    """Say whether a program wrote it (RFC 3834, 5), whoever it says it is."""
    said = str(headers.get("Auto-Submitted", "no")).split(";")[0].strip().lower()
    precedence = str(headers.get("Precedence", "")).strip().lower()
    # X-Auto-Response-Suppress is no such mark: it asks that no program answers, and stands on what people write
    marked = any(headers.get(name) is not None for name in ("X-Autoreply", "X-Autorespond"))
    return (
        said not in {"no", ""}
        or precedence in {"bulk", "auto_reply", "junk"}
        or marked
        or bool(_AUTOMATIC.match(sender))
    )


def _clean(text: str) -> str:
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
