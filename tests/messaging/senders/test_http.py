"""One call, once: what the short way sends is what the library below would have sent."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from messaging.senders.http import OnceHttp, seconds_of

URL = "http://127.0.0.1:9/2010-04-01/Accounts/AC1/Messages.json"
FORM = {
    "To": "+442079460000",
    "Body": "Grüße & 100 % = ☃\n~*'()",
    "MediaUrl": ["https://example.com/a?b=c&d", "https://example.com/ü"],
    "Empty": "",
    "Missing": None,
    "Price": 12,
    "Fixed": True,
}


def test_a_form_is_posted_as_the_library_below_would(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[requests.PreparedRequest, dict[str, Any]]] = []

    def keep(_: HTTPAdapter, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        sent.append((request, options))
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = 201, URL, request
        answer._content = b"{}"
        return answer

    monkeypatch.setattr(HTTPAdapter, "send", keep)
    headers, auth = {"Accept": "application/json", "X-Mine": "1"}, ("AC1", "tökén")
    OnceHttp("127.0.0.1").request("POST", URL, headers=headers, auth=auth, data=FORM)
    with requests.Session() as session:
        session.trust_env = False
        session.post(URL, headers=headers, auth=auth, data=FORM, timeout=(5, 15), allow_redirects=False)
    (ours, our_options), (theirs, their_options) = sent
    assert (ours.method, ours.url, ours.body) == (theirs.method, theirs.url, theirs.body)
    assert dict(ours.headers) == dict(theirs.headers)
    assert {name: our_options[name] for name in ("timeout", "stream", "verify", "cert")} == {
        name: their_options[name] for name in ("timeout", "stream", "verify", "cert")
    }
    assert dict(our_options["proxies"]) == dict(their_options["proxies"])


def test_a_retry_after_is_read_as_seconds_or_as_a_date_and_nothing_else_is() -> None:
    assert seconds_of("120") == 120.0
    later = seconds_of(format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True))
    assert later is not None
    assert 290 < later <= 300
    assert seconds_of("Fri, 30 Oct 2015 12:00:00 GMT") == 0.0
    assert [seconds_of(word) for word in (None, "", "soon", "\u00b2", "\u0661")] == [None] * 5
