"""The HTTP under the Twilio client: our base address, real timeouts, headers kept, and no hidden retry.

Twilio's own (9.13) has no timeout by default, can only rewrite *.twilio.com, and drops an error's headers;
its retrying adapter would send an SMS twice.
"""

import logging
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from twilio.http import HttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]

from messaging.senders.http import OnceHttp, host_of
from messaging.settings import TWILIO_URL

_silent = logging.getLogger(
    "messaging.senders.twilio_http"
)  # never written to: requests hold addresses and bodies


class OwnHttpClient(HttpClient):  # type: ignore[misc]
    """Sends the client's requests to `base_url`, or to Twilio's own hosts where that is Twilio's."""

    def __init__(self, base_url: str) -> None:
        super().__init__(_silent, is_async=False)
        self._base = urlsplit(base_url)
        self._theirs = base_url.rstrip("/") == TWILIO_URL  # conversations.twilio.com is another host
        self._http = OnceHttp(host_of(base_url))
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
        response = self._http.request(
            method, self._ours(uri), headers=headers, auth=auth, params=_plain(params), data=_plain(data)
        )
        self._mine.headers = response.headers
        return Response(response.status_code, response.text, response.headers)

    def _ours(self, uri: str) -> str:
        if self._theirs:
            return uri
        theirs = urlsplit(uri)
        path = self._base.path.rstrip("/") + theirs.path
        return urlunsplit((self._base.scheme, self._base.netloc, path, theirs.query, theirs.fragment))


def _plain(values: dict[str, object] | None) -> Any:
    return values or None
