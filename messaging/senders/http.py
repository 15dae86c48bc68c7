"""HTTP as every sender calls it: once, within real time limits, and judged where no answer came.

No library below may try again or follow a redirect: a second POST is a second message.
"""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
import urllib3.exceptions
from requests.auth import _basic_auth_str
from requests.structures import CaseInsensitiveDict

from messaging.senders.base import Outcome, Rejected, Unknown
from messaging.senders.deadlines import CALL_SECONDS, Deadlines
from messaging.senders.http_adapter import LookingAdapter
from messaging.settings import is_loopback

CONNECT_SECONDS = 5
READ_SECONDS = 15  # of one piece of an answer; the whole of a call has its own end


class OnceHttp:
    """Makes requests to one host; each thread has a session of its own."""

    def __init__(self, host: str, *, call_seconds: float = CALL_SECONDS) -> None:
        self._deadlines = Deadlines(call_seconds)
        self._direct = is_loopback(host)  # no proxy stands between us and us
        self._mine = threading.local()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **content: Any,
    ) -> requests.Response:
        """Make one request, once; `content` is what `requests` takes (params, data, json). Raises what it raises."""
        is_form = method.upper() == "POST" and isinstance(content.get("data"), Mapping)
        with self._deadlines.ending():
            if is_form and not content.get("params"):
                return self._post_form(url, headers or {}, auth, content["data"])
            return self._session().request(
                method.upper(),
                url,
                headers=headers,
                auth=auth,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                **content,
            )

    def _post_form(
        self, url: str, headers: Mapping[str, str], auth: tuple[str, str] | None, form: Mapping[str, Any]
    ) -> requests.Response:
        """Post a form as a session does, without its hooks, cookies and redirects: they cost as much as the call."""
        session = self._session()
        mine = self._mine.surroundings.get(url)
        if mine is None:  # proxies and certificates by the environment, which does not change
            mine = session.merge_environment_settings(url, {}, False, None, None)
            self._mine.surroundings[url] = mine
        request = requests.PreparedRequest()
        request.method, request.url, request.hooks = "POST", url, {}
        request.body = urlencode(_pairs(form))
        request.headers = CaseInsensitiveDict({name: str(word) for name, word in session.headers.items()})
        request.headers.update(headers)
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        request.headers["Content-Length"] = str(len(request.body))
        if auth:
            request.headers["Authorization"] = _basic_auth_str(*auth)
        adapter = session.get_adapter(url)
        response = adapter.send(request, timeout=(CONNECT_SECONDS, READ_SECONDS), **mine)
        response.content  # noqa: B018 - reads it all, and gives the connection back
        return response

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._mine, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = not self._direct
            for scheme in ("http://", "https://"):
                session.mount(scheme, LookingAdapter(max_retries=0))
            self._mine.session = session
            self._mine.surroundings = {}
        return session


def _pairs(form: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Give a form's fields one by one; a list is a field that stands several times, and what is None is left out."""
    pairs: list[tuple[str, Any]] = []
    for name, value in form.items():
        values = value if isinstance(value, list | tuple) else [value]
        pairs += [(name, each) for each in values if each is not None]
    return pairs


def host_of(url: str) -> str:
    """Give the host of an address, or nothing where it has none."""
    return urlsplit(url).hostname or ""


# What urllib3 gives as the reason when not one byte of a request has left.
_NEVER_LEFT = (
    urllib3.exceptions.NewConnectionError,  # refused, or a name that does not resolve
    urllib3.exceptions.ConnectTimeoutError,
)


def unanswered(error: requests.RequestException, setting: str) -> Outcome:
    """Judge a call without an answer: only where nothing can have left us is it surely not sent.

    `setting` names the variable that holds the provider's address.
    """
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(error, requests.ConnectTimeout) or isinstance(reason, _NEVER_LEFT):
        return Rejected("retry", "The provider could not be reached.", about="network")
    if isinstance(error, requests.Timeout):
        return Unknown("The provider did not answer in time.")
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
        return Rejected("fix", f"The provider's address cannot be called. Check {setting}.", about="us")
    return Unknown("The connection to the provider broke.")


def seconds_of(retry_after: str | None) -> float | None:
    """Read a Retry-After header, seconds or a date (RFC 9110, 10.2.3); None where there is none, or no such thing."""
    told = (retry_after or "").strip()
    if told.isascii() and told.isdecimal():
        return float(told)
    try:
        moment = parsedate_to_datetime(told)
    except ValueError:
        return None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((zoned - datetime.now(UTC)).total_seconds(), 0.0)
