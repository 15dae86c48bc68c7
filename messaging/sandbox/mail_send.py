"""The rules by which SendGrid refuses a v3/mail/send request (pure).

https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors
"""

import re
from collections.abc import Iterator
from typing import Any

Errors = list[dict[str, str | None]]
_PEOPLE = ("personalizations", "from", "reply_to", "reply_to_list", "subject")
_BODY = ("content", "attachments", "template_id", "headers", "categories", "custom_args")
_HOW = ("send_at", "batch_id", "asm", "ip_pool_name", "mail_settings", "tracking_settings")
KNOWN = frozenset((*_PEOPLE, *_BODY, *_HOW))
_OURS = ("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding")
RESERVED = frozenset((*_OURS, "to", "from", "subject", "reply-to", "cc", "bcc"))
CATEGORIES, CATEGORY_LENGTH, ARGUMENT_BYTES, PERSONALIZATIONS = 10, 255, 10_000, 1000
_ADDRESS = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\".]+(\.[^@\s<>,;\".]+)+")


def check_mail_send(document: Any) -> Errors:
    """Give what is wrong with a request; nothing where SendGrid would take it."""
    if not isinstance(document, dict):
        return [_error(None, "Bad Request")]
    return [
        *(
            _error(name, f"Additional property {name} is not allowed")
            for name in sorted(set(document) - KNOWN)
        ),
        *_people(document),
        *_sender(document),
        *_content(document),
        *_extras(document),
    ]


def _people(document: dict[str, Any]) -> Iterator[dict[str, str | None]]:
    parts = document.get("personalizations")
    if not isinstance(parts, list) or not parts:
        yield _error("personalizations", "The personalizations field is required and must have at least one.")
        return
    if len(parts) > PERSONALIZATIONS:
        yield _error("personalizations", "The personalization block is limited to 1000 per API request.")
    for place, part in enumerate(parts):
        field = f"personalizations.{place}"
        recipients = part.get("to") if isinstance(part, dict) else None
        if not isinstance(recipients, list) or not recipients:
            yield _error(f"{field}.to", "The to array is required for all personalization objects.")
            continue
        yield from _recipients(recipients, f"{field}.to")
        if not (part.get("subject") or document.get("subject")):
            yield _error("subject", "The subject is required.")
        yield from _arguments(part.get("custom_args"), f"{field}.custom_args")


def _recipients(recipients: list[Any], field: str) -> Iterator[dict[str, str | None]]:
    seen = set()
    for place, one in enumerate(recipients):
        address = one.get("email") if isinstance(one, dict) else None
        if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
            yield _error(f"{field}.{place}.email", "Does not contain a valid address.")
        elif address.lower() in seen:
            yield _error(
                f"{field}.{place}", "Each email address in the personalization block should be unique."
            )
        else:
            seen.add(address.lower())


def _sender(document: dict[str, Any]) -> Iterator[dict[str, str | None]]:
    sender = document.get("from")
    address = sender.get("email") if isinstance(sender, dict) else None
    if not isinstance(address, str):
        yield _error("from", "The from object must be provided for every email send.")
    elif not _ADDRESS.fullmatch(address):
        yield _error("from.email", "The from email does not contain a valid address.")


def _content(document: dict[str, Any]) -> Iterator[dict[str, str | None]]:
    content = document.get("content")
    if not isinstance(content, list) or not content:
        yield _error("content", "Unless a valid template_id is provided, the content parameter is required.")
        return
    types = []
    for place, one in enumerate(content):
        kind, value = (one.get("type"), one.get("value")) if isinstance(one, dict) else (None, None)
        if kind not in {"text/plain", "text/html"}:
            yield _error(f"content.{place}.type", "The content type must be a valid MIME type.")
        if not isinstance(value, str) or not value:
            yield _error(
                f"content.{place}.value", "The content value must be a string at least one character long."
            )
        types.append(kind)
    if types not in (["text/plain"], ["text/html"], ["text/plain", "text/html"]):
        yield _error("content", "If present, text/plain must be first, then text/html.")


def _extras(document: dict[str, Any]) -> Iterator[dict[str, str | None]]:
    headers = document.get("headers", {})
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        yield _error("headers", "The headers must be an object of strings.")
    else:
        for name in headers:
            if name.lower() in RESERVED:
                yield _error("headers", f"{name} is a reserved header and may not be overwritten.")
            elif re.search(r"[^!-9;-~]", name) or any(letter in headers[name] for letter in "\r\n"):
                yield _error("headers", "A header may not hold a line break.")
    categories = document.get("categories", [])
    if not isinstance(categories, list) or len(set(map(str, categories))) != len(categories):
        yield _error("categories", "The categories must be an array of unique strings.")
    elif len(categories) > CATEGORIES or any(len(str(one)) > CATEGORY_LENGTH for one in categories):
        yield _error("categories", "There are at most 10 categories of at most 255 characters.")
    yield from _arguments(document.get("custom_args"), "custom_args")


def _arguments(arguments: Any, field: str) -> Iterator[dict[str, str | None]]:
    if arguments is None:
        return
    if not isinstance(arguments, dict) or not all(isinstance(value, str) for value in arguments.values()):
        yield _error(field, "The custom_args must be an object of strings.")
    elif sum(len((name + value).encode()) for name, value in arguments.items()) > ARGUMENT_BYTES:
        yield _error(field, "The custom_args may have at most 10000 bytes.")


def _error(field: str | None, message: str) -> dict[str, str | None]:
    return {"message": message, "field": field, "help": None}
