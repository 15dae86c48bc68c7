"""GET /Messages.json and /Calls.json: which resources, in what order, a page at a time, as Twilio gives them (pure)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from messaging.sandbox.messages import API, Message, resource
from messaging.sandbox.requests import read_moment

PAGE_SIZE, LARGEST_PAGE = 50, 1000
_FILTERS = ("To", "From", "DateSent", "DateSent<", "DateSent>")


def list_page(messages: Sequence[Message], query: Mapping[str, str], account_sid: str) -> dict[str, Any]:
    """Give one page of what matches `query`; `messages` come newest first.

    A filter on DateSent leaves out messages that were not sent yet, for they have no such date: who looks for
    a message that was just created needs another way. A page begins after the sid in PageToken, so that a
    message that comes in between shifts nothing.
    """
    found = [message for message in messages if _matches(message, query)]
    size = min(max(_number(query.get("PageSize"), PAGE_SIZE), 1), LARGEST_PAGE)
    page = max(_number(query.get("Page"), 0), 0)
    start = _start(found, query.get("PageToken", ""), page * size)
    rows = found[start : start + size]
    address = _Address(f"{API}/Accounts/{account_sid}/Messages.json", query, size)
    more = start + size < len(found)
    return {
        "end": start + max(len(rows) - 1, 0),
        "first_page_uri": address.of(0),
        "next_page_uri": address.of(page + 1, f"PA{rows[-1].sid}") if more else None,
        "page": page,
        "page_size": size,
        "previous_page_uri": address.of(page - 1) if page else None,
        "messages": [resource(message, account_sid) for message in rows],
        "start": start,
        "uri": address.of(page, query.get("PageToken", "")),
    }


def empty_calls(query: Mapping[str, str], account_sid: str) -> dict[str, Any]:
    """Give the one page of the calls: nobody calls in the sandbox, and whoever lists them should be told so."""
    size = min(max(_number(query.get("PageSize"), PAGE_SIZE), 1), LARGEST_PAGE)
    uri = f"{API}/Accounts/{account_sid}/Calls.json?{urlencode({'PageSize': size, 'Page': 0})}"
    return {
        "calls": [],
        "end": 0,
        "first_page_uri": uri,
        "next_page_uri": None,
        "page": 0,
        "page_size": size,
        "previous_page_uri": None,
        "start": 0,
        "uri": uri,
    }


class _Address:
    """Builds the relative URI of a page with the filters it came with."""

    def __init__(self, path: str, query: Mapping[str, str], size: int) -> None:
        self._path = path
        self._filters = [(name, query[name]) for name in _FILTERS if name in query]
        self._size = size

    def of(self, page: int, token: str = "") -> str:
        pairs = [*self._filters, ("PageSize", str(self._size)), ("Page", str(page))]
        return f"{self._path}?{urlencode([*pairs, ('PageToken', token)] if token else pairs)}"


def _start(found: Sequence[Message], token: str, otherwise: int) -> int:
    sid = token.removeprefix("PA")
    places = [place for place, message in enumerate(found) if message.sid == sid]
    return places[0] + 1 if places else otherwise


def _matches(message: Message, query: Mapping[str, str]) -> bool:
    if query.get("To") not in {None, "", message.recipient}:
        return False
    if query.get("From") not in {None, "", message.sender}:
        return False
    bounds = {name: query[name] for name in _FILTERS[2:] if query.get(name)}
    if not bounds:
        return True
    return message.sent_at is not None and all(
        _within(message.sent_at, name, text) for name, text in bounds.items()
    )


def _within(sent_at: datetime, name: str, text: str) -> bool:
    """Compare by day where the filter names a day, else by moment; both bounds include their end."""
    moment = _read(text)
    if moment is None:
        return True  # Twilio ignores what it cannot read
    if name == "DateSent":
        return sent_at.date() == moment.date()
    left: date = sent_at.date() if len(text) == len("2026-10-30") else sent_at
    right: date = moment.date() if len(text) == len("2026-10-30") else moment
    return left <= right if name == "DateSent<" else left >= right


def _read(text: str) -> datetime | None:
    moment = read_moment(text)
    if moment is None:
        try:
            return parsedate_to_datetime(text).replace(tzinfo=None)
        except ValueError:
            return None
    return moment


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdecimal() else otherwise
