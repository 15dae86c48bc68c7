"""What every request passes first, the live connection included: who has no session gets the sign-in page or nothing.

A request that passes carries its session's token in one header of ours, whatever a caller put there. Pages ask the store
whose it is at each run (dashboard.session): a live connection outlives the request that opened it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import quote, urlsplit

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from messaging import sign_ins
from messaging.store import Store

COOKIE: Final = "rapport_session"
HEADER: Final = "x-rapport-session"
SIGN_IN, JOIN = "/sign-in", "/join"
COMPANY: Final = f"{SIGN_IN}/company"  # to the identity provider; it sends back to BACK
BACK: Final = f"{COMPANY}/back"
HEALTH: Final = "/_stcore/health"  # asked by whoever watches the process; says "ok" and nothing else
OPEN: Final = frozenset({SIGN_IN, f"{SIGN_IN}/as", COMPANY, BACK, JOIN, HEALTH})
# Pages compute charts by code that Vega makes, and style by attributes; nothing is fetched from, or sent to, elsewhere.
POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' data: blob:; worker-src 'self' blob:; "
    "frame-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'self'"
)
GUARDS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def utc_now() -> datetime:
    """Give the time by this machine's clock as naive UTC: a demo's clock stands still, and sessions have to end."""
    return datetime.now(UTC).replace(tzinfo=None)


class Gate:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp, store: Callable[[], Store]) -> None:
        self._app = app
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through that may pass; answer every other one here."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        token = token_of(scope)
        ours = MutableHeaders(raw=[(name, value) for name, value in scope["headers"] if not _is_ours(name)])
        scope = {**scope, "headers": ours.raw}
        if scope["type"] == "http" and scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket" and not is_same_origin(scope):
            await _refuse(scope, receive, send)
            return
        now = utc_now()
        if not token or await to_thread.run_sync(sign_ins.signed_in, self._store(), token, now) is None:
            await _refuse(scope, receive, send)
            return
        ours[HEADER] = token
        scope["headers"] = ours.raw
        await self._app(scope, receive, _guarded(send))


def token_of(scope: Scope) -> str:
    """Give the token that a request's cookie carries, or nothing."""
    jar = SimpleCookie()
    try:
        jar.load(Headers(scope=scope).get("cookie", ""))
    except CookieError:
        return ""
    return jar[COOKIE].value if COOKIE in jar else ""


def is_same_origin(scope: Scope) -> bool:
    """Say whether a request was made by a page of this app; browsers say where it comes from, and cannot be made to lie."""
    headers = Headers(scope=scope)
    origin = urlsplit(headers.get("origin", ""))
    return bool(origin.netloc) and origin.netloc == headers.get("host")


def _is_ours(name: bytes) -> bool:
    """Say whether a header's name is ours to set; some servers take an underscore for a hyphen."""
    return name.lower().replace(b"_", b"-").startswith(b"x-rapport-")


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()  # the connection's beginning; closed before it is accepted, it is answered with 403
        await send({"type": "websocket.close", "code": 1008})
        return
    answer: Response = PlainTextResponse("Sign in first.\n", status_code=403)
    if scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", ""):
        asked = scope["path"] + (
            f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
        )
        answer = RedirectResponse(f"{SIGN_IN}?next={quote(asked, safe='')}", status_code=303)
    answer.headers["Cache-Control"] = "no-store"
    await answer(scope, receive, send)


def _guarded(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in GUARDS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
