"""How the sandbox's pages are drawn: their frame, and headers under which no text of anybody's can act."""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from messaging.sandbox import views
from messaging.sandbox.settings import SandboxSettings


class Drawing:
    """Draws pages of one sandbox. `now` gives naive UTC."""

    def __init__(self, settings: SandboxSettings, now: Callable[[], datetime]) -> None:
        self.settings = settings
        self.now = now
        self._templates = Environment(
            loader=PackageLoader("messaging.sandbox"),
            autoescape=select_autoescape(),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def eyes(self) -> views.Eyes:
        """Give whoever looks: in the company's time zone, now."""
        return views.Eyes(self.settings.time_zone, self.now())

    def missing(self, kind: str) -> Response:
        """Say that there is no such page."""
        return self.draw("missing.html", status=404, kind=kind)

    def draw(self, template: str, /, status: int = 200, **values: Any) -> Response:
        """Draw a page."""
        nonce = secrets.token_urlsafe(16)
        text = self._templates.get_template(template).render(
            nonce=nonce, company=self.settings.company_name, today=self.eyes().date(self.now()), **values
        )
        policy = (
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; "
            "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
            f"script-src 'nonce-{nonce}'"
        )
        headers = {
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "same-origin",  # with less, our own forms come without an origin
            "X-Content-Type-Options": "nosniff",
        }
        return HTMLResponse(text, status_code=status, headers=headers)


def refuse_elsewhere(request: Request) -> Response | None:
    """Refuse a form that comes from another web page than ours."""
    origin = request.headers.get("origin")
    if origin is None or urlsplit(origin).netloc == request.headers.get("host"):
        return None
    return PlainTextResponse("This form answers only to its own page.", 403)
