"""The pages before the app: to sign in, and to set the password that a link is for. Plain HTML without a script."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from anyio import CapacityLimiter, to_thread
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboard import palette
from dashboard.door.gate import BACK, COMPANY, COOKIE, JOIN, SIGN_IN, is_same_origin, utc_now
from dashboard.door.provider import FLOW_LIVES, Flows, Provider
from data_contracts.errors import RapportError, RefusedError, UsageError
from messaging import sign_ins, users
from messaging.access import ROLE_WORDS
from messaging.clock import read_clock
from messaging.passwords import SHORTEST
from messaging.settings import Settings, is_loopback
from messaging.store import Store

LOGO: Final = Path(__file__).parents[1] / "components" / "logo.svg"
LARGEST: Final = 8_192  # bytes of a form; the longest password takes a fifth of it
BEGUN: Final = "rapport_sign_in"  # the cookie of a browser that is away at the identity provider
AT_ONCE: Final = 2  # passwords that are looked at at the same time: each takes 32 MiB and a core
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",  # with "no-referrer" a browser would not say whose page sent the form
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class _Door:
    """What the pages before the app stand on."""

    settings: Settings
    store: Callable[[], Store]
    templates: Environment
    hashing: CapacityLimiter
    provider: Provider | None
    flows: Flows

    async def sign_in(self, request: Request) -> Response:
        """Ask for a name and a password, and open a session for the two."""
        onward = own_path(request.query_params.get("next", ""))
        if request.method == "GET":
            return self._draw(request, "sign_in", onward=onward)
        try:
            form = await _form(request)
            onward = own_path(form.get("next", ""))
            token = await to_thread.run_sync(
                partial(
                    sign_ins.sign_in,
                    self.store(),
                    form.get("name", ""),
                    form.get("password", ""),
                    request.client.host if request.client else "",
                    utc_now(),
                ),
                limiter=self.hashing,
            )
        except RapportError as error:
            return self._draw(request, "sign_in", onward=onward, wrong=error)
        return _opened(request, token, onward)

    async def sign_in_as(self, request: Request) -> Response:
        """Open a session for a role of the demo, by one click."""
        try:
            form = await _form(request)
            if not self._is_demo(request):
                raise RefusedError("Only a demo on this machine lets anybody in.", "Sign in by name.")
            token = await to_thread.run_sync(
                sign_ins.sign_in_demo, self.store(), form.get("role", ""), utc_now()
            )
        except RapportError as error:
            return self._draw(request, "sign_in", wrong=error)
        return _opened(request, token, own_path(form.get("next", "")))

    async def join(self, request: Request) -> Response:
        """Ask for the first or a new password, and set it; opening the page uses nothing up."""
        link = request.query_params.get("link", "")
        if request.method == "GET":
            return self._draw(request, "join", link=link)
        try:
            form = await _form(request)
            link = form.get("link", "")
            if form.get("password") != form.get("again"):
                raise UsageError("The two passwords differ.", "Type the same one twice.")
            joining = partial(users.join, self.store(), link, form.get("password", ""), utc_now())
            user = await to_thread.run_sync(joining, limiter=self.hashing)
        except RapportError as error:
            return self._draw(request, "join", link=link, wrong=error)
        return self._draw(request, "sign_in", name=user.name, done="Your password is set. Sign in with it.")

    async def company(self, request: Request) -> Response:
        """Send the browser to the company's identity provider.

        By a page that goes on by itself: a form may only lead to us, and browsers hold its redirects to that, too.
        """
        link = ""
        try:
            form = await _form(request)
            link, provider = form.get("link", ""), self._provider()
            flow = self.flows.begin(_back(request), own_path(form.get("next", "")), link)
            address = await to_thread.run_sync(provider.address, flow)
        except RapportError as error:
            return self._draw(request, "join" if link else "sign_in", link=link, wrong=error)
        answer = self._draw(request, "company", address=address)
        secure = request.url.scheme == "https"
        answer.set_cookie(
            BEGUN, flow.state, max_age=FLOW_LIVES, httponly=True, samesite="lax", secure=secure, path=COMPANY
        )
        return answer

    async def back(self, request: Request) -> Response:
        """Open a session for who comes back from the identity provider, if an account is theirs or a link makes it so."""
        try:
            provider, asked = self._provider(), request.query_params
            flow = self.flows.end(asked.get("state", ""), request.cookies.get(BEGUN, ""))
            who = await to_thread.run_sync(provider.identify, flow, asked)
            if flow.link:
                joining = partial(users.join_as, self.store(), flow.link, who.issuer, who.subject, utc_now())
                await to_thread.run_sync(joining)
            opening = partial(sign_ins.sign_in_as, self.store(), who.issuer, who.subject, utc_now())
            answer: Response = _opened(request, await to_thread.run_sync(opening), flow.onward)
        except RapportError as error:
            answer = self._draw(request, "sign_in", wrong=error)
        answer.delete_cookie(BEGUN, path=COMPANY)
        return answer

    def _provider(self) -> Provider:
        if self.provider is None:
            raise RefusedError("There is no company sign-in here.", "Sign in by name.")
        return self.provider

    def _is_demo(self, request: Request) -> bool:
        """Say whether this is a demo that only this machine can reach, and is asked for by a name of this machine."""
        pinned = read_clock(self.settings.home).pinned_at is not None
        return pinned and self.settings.sending == "sandbox" and is_loopback(request.url.hostname or "")

    def _draw(
        self, request: Request, page: str, *, wrong: RapportError | None = None, **shown: str
    ) -> HTMLResponse:
        demo = page == "sign_in" and self._is_demo(request)
        text = self.templates.get_template(f"{page}.html").render(
            logo=Markup(LOGO.read_text()),  # noqa: S704 (a picture of ours)
            company=self.settings.company_name,
            colours=palette,
            wrong=wrong,
            shortest=SHORTEST,
            provider=self.provider.name if self.provider else "",
            demo_roles=ROLE_WORDS if demo else {},
            **{"onward": "/", **shown},
        )
        status = 200 if wrong is None else 403 if isinstance(wrong, RefusedError) else 400
        return HTMLResponse(text, status_code=status, headers=HEADERS)


def door_routes(settings: Settings, store: Callable[[], Store]) -> list[Route]:
    """Give the routes of the pages before the app."""
    templates = Environment(loader=PackageLoader("dashboard.door", "."), autoescape=select_autoescape())
    provider = Provider(settings) if settings.oidc_issuer else None
    door = _Door(settings, store, templates, CapacityLimiter(AT_ONCE), provider, Flows())
    # Each takes both ways, and refuses the wrong one itself: the gate lets these through, so the app behind would answer.
    pages = {
        SIGN_IN: door.sign_in,
        f"{SIGN_IN}/as": door.sign_in_as,
        COMPANY: door.company,
        BACK: door.back,
        JOIN: door.join,
    }
    return [Route(path, page, methods=["GET", "POST"]) for path, page in pages.items()]


def own_path(asked: str) -> str:
    """Give where to go on to: a path of this app, and the first page for anything else."""
    inside = (
        asked.startswith("/") and not asked.startswith("//") and "\\" not in asked and asked.isprintable()
    )
    return asked if inside else "/"


def _back(request: Request) -> str:
    """Give where the provider sends the browser to: this app, by the name it was asked for by."""
    return f"{request.url.scheme}://{request.url.netloc}{BACK}"


async def _form(request: Request) -> dict[str, str]:
    """Read a form that a page of ours sent. Raises RefusedError for any other, and UsageError for what is none."""
    if not is_same_origin(request.scope):
        raise RefusedError(
            "This form was not sent by a page of Rapport.", "Open the page again and try there."
        )
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            raise UsageError(
                f"This form has more than {LARGEST:,} bytes.", "Give a shorter name or password."
            )
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=10)
    except ValueError:
        raise UsageError("This form cannot be read.", "Open the page again and try there.") from None
    return {name: values[0] for name, values in fields.items()}


def _opened(request: Request, token: str, onward: str) -> RedirectResponse:
    answer = RedirectResponse(onward, status_code=303, headers={"Cache-Control": "no-store"})
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, token, httponly=True, samesite="lax", secure=secure, path="/")
    return answer
