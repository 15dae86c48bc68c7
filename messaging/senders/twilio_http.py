"""The HTTP under the Twilio client: our base address, real timeouts, headers kept, and no hidden retry.

Twilio's own (9.13) has no timeout by default, can only rewrite *.twilio.com, and drops an error's headers;
its retrying adapter would send an SMS twice.
"""

import logging
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from twilio.http import HttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]

from messaging.settings import is_loopback

CONNECT_SECONDS = 5
READ_SECONDS = 15
_silent = logging.getLogger(
    "messaging.senders.twilio_http"
)  # never written to: requests hold addresses and bodies


class OwnHttpClient(HttpClient):  # type: ignore[misc]
    """Sends the client's requests to `base_url`; each thread has a session of its own."""

    def __init__(self, base_url: str) -> None:
        super().__init__(_silent, is_async=False)
        self._base = urlsplit(base_url)
        self._mine = threading.local()

    @property
    def last_headers(self) -> Mapping[str, str]:
        """Give the headers of the last response in this thread: Retry-After and its like."""
        headers: Mapping[str, str] = getattr(self._mine, "headers", {})
        return headers

    def request(  # noqa: PLR0913, PLR0917 - the signature is Twilio's
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - ours hold for every call
        allow_redirects: bool = False,  # noqa: ARG002, FBT001, FBT002 - a redirected POST would be a second one
    ) -> Response:
        """Make one request, once. Raises what `requests` raises."""
        self._mine.headers = {}
        response = self._session().request(
            method.upper(),
            self._ours(uri),
            params=_plain(params),
            data=_plain(data),
            headers=headers,
            auth=auth,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            allow_redirects=False,
        )
        self._mine.headers = response.headers
        return Response(response.status_code, response.text, response.headers)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._mine, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = not is_loopback(
                self._base.hostname or ""
            )  # no proxy stands between us and us
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=0))
            self._mine.session = session
        return session

    def _ours(self, uri: str) -> str:
        theirs = urlsplit(uri)
        path = self._base.path.rstrip("/") + theirs.path
        return urlunsplit((self._base.scheme, self._base.netloc, path, theirs.query, theirs.fragment))


def _plain(values: dict[str, object] | None) -> Any:
    return values or None
