"""GET /Messages.json and /Calls.json: which resources, in what order, a page at a time, as Twilio gives them (pure)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

from messaging.sandbox.calls import Call
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
    path = f"{API}/Accounts/{account_sid}/Messages.json"
    return _page(
        "messages", found, query, _Address(path, _FILTERS), lambda message: resource(message, account_sid)
    )


def list_calls(calls: Sequence[Call], query: Mapping[str, str], account_sid: str) -> dict[str, Any]:
    """Give one page of the calls that match `query`; `calls` come newest first."""
    found = [
        call
        for call in calls
        if query.get("To") in {None, "", call.recipient}
        and query.get("From") in {None, "", call.sender}
        and query.get("Status") in {None, "", call.status}
    ]
    path = f"{API}/Accounts/{account_sid}/Calls.json"
    address = _Address(path, ("To", "From", "Status"))
    return _page("calls", found, query, address, lambda call: call.resource(account_sid))


class _Listed(Protocol):
    sid: str


_Item = TypeVar("_Item", bound=_Listed)


@dataclass(frozen=True)
class _Address:
    """Builds the relative URI of a page with the filters it came with."""

    path: str
    filters: tuple[str, ...]

    def of(self, query: Mapping[str, str], size: int, page: int, token: str = "") -> str:
        kept = [(name, query[name]) for name in self.filters if name in query]
        pairs = [*kept, ("PageSize", str(size)), ("Page", str(page))]
        return f"{self.path}?{urlencode([*pairs, ('PageToken', token)] if token else pairs)}"


def _page(
    key: str,
    found: Sequence[_Item],
    query: Mapping[str, str],
    address: _Address,
    document: Callable[[_Item], dict[str, Any]],
) -> dict[str, Any]:
    size = min(max(_number(query.get("PageSize"), PAGE_SIZE), 1), LARGEST_PAGE)
    page = max(_number(query.get("Page"), 0), 0)
    token = query.get("PageToken", "")
    start = _start(found, token, page * size)
    rows = found[start : start + size]
    more = start + size < len(found)
    return {
        "end": start + max(len(rows) - 1, 0),
        "first_page_uri": address.of(query, size, 0),
        "next_page_uri": address.of(query, size, page + 1, f"PA{rows[-1].sid}") if more else None,
        "page": page,
        "page_size": size,
        "previous_page_uri": address.of(query, size, page - 1) if page else None,
        key: [document(item) for item in rows],
        "start": start,
        "uri": address.of(query, size, page, token),
    }


def _start(found: Sequence[_Listed], token: str, otherwise: int) -> int:
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
