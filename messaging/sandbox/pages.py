"""The sandbox's windows: each phone as its owner sees it, and the mails that were caught."""

import re
import secrets
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
from fastapi import APIRouter, Request
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from messaging.sandbox import views
from messaging.sandbox.control import summary
from messaging.sandbox.exchange import Exchange
from messaging.sandbox.mail import Mail, Mailbox
from messaging.settings import is_loopback

_NUMBER = re.compile(r"(whatsapp:)?\+?[0-9]{3,15}")
_HTML_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data:"
)
ANSWER_LIMIT = 1600
UNSUBSCRIBE_SECONDS = 10.0


def page_routes(exchange: Exchange, mailbox: Mailbox) -> APIRouter:
    """Give the routes that people look at."""
    pages = _Pages(exchange, mailbox)
    router = APIRouter()
    router.add_api_route("/", pages.index, methods=["GET"])
    router.add_api_route("/phones", pages.phones, methods=["GET"])
    router.add_api_route("/phones/{number}", pages.phone, methods=["GET"])
    router.add_api_route("/phones/{number}/thread", pages.thread, methods=["GET"])
    router.add_api_route("/phones/{number}", pages.answer, methods=["POST"])
    router.add_api_route("/mail", pages.mails, methods=["GET"])
    router.add_api_route("/mail/{number}", pages.mail, methods=["GET"])
    router.add_api_route("/mail/{number}/html", pages.mail_html, methods=["GET"])
    router.add_api_route("/mail/{number}/unsubscribe", pages.unsubscribe, methods=["POST"])
    return router


class _Pages:
    """One method a page; what is shown comes from `views`."""

    def __init__(self, exchange: Exchange, mailbox: Mailbox) -> None:
        self.exchange = exchange
        self.mailbox = mailbox
        self.templates = Environment(
            loader=PackageLoader("messaging.sandbox"),
            autoescape=select_autoescape(),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    async def index(self) -> Response:
        return self._draw("index.html", counts=summary(self.exchange, self.mailbox), phones=self._rows()[:5])

    async def phones(self, number: str = "") -> Response:
        wanted = number.replace(" ", "")
        if _NUMBER.fullmatch(wanted):
            return RedirectResponse(_path(wanted), 303)
        return self._draw("phones.html", phones=self._rows(), asked=number)

    async def phone(self, number: str) -> Response:
        if not _NUMBER.fullmatch(number):
            return self._missing("phone")
        return self._draw("phone.html", **self._phone(number))

    async def thread(self, number: str) -> Response:
        if not _NUMBER.fullmatch(number):
            return self._missing("phone")
        return self._draw("thread.html", **self._phone(number))

    async def answer(self, request: Request, number: str) -> Response:
        if _from_elsewhere(request):
            return PlainTextResponse("This form answers only to its own page.", 403)
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        body = form.get("body", [""])[-1].strip()[:ANSWER_LIMIT]
        company = form.get("to", [self.exchange.settings.sender])[-1]
        if not _NUMBER.fullmatch(number) or not body:
            return self._missing("phone") if body else RedirectResponse(_path(number), 303)
        self.exchange.receive(number, company, body)
        return RedirectResponse(_path(number), 303)

    async def mails(self) -> Response:
        eyes = self._eyes()
        return self._draw(
            "mails.html", mails=[views.mail_row(mail, eyes) for mail in self.mailbox.newest_first()]
        )

    async def mail(self, number: int, unsubscribed: str = "") -> Response:
        mail = self.mailbox.get(number)
        if mail is None:
            return self._missing("mail")
        return self._draw("mail.html", **self._mail(mail), outcome=unsubscribed)

    async def mail_html(self, number: int) -> Response:
        mail = self.mailbox.get(number)
        html = views.part(mail.parse(), "html") if mail else None
        if html is None:
            return self._missing("mail")
        headers = {"Content-Security-Policy": _HTML_POLICY, "X-Content-Type-Options": "nosniff"}
        return HTMLResponse(f'<base target="_blank">{html}', headers=headers)

    async def unsubscribe(self, request: Request, number: int) -> Response:
        """Do what a mailbox provider does when its reader presses "Unsubscribe": RFC 8058's one POST."""
        if _from_elsewhere(request):
            return PlainTextResponse("This form answers only to its own page.", 403)
        mail = self.mailbox.get(number)
        address = one_click(mail) if mail else None
        if address is None:
            return self._missing("mail")
        try:
            async with httpx.AsyncClient(timeout=UNSUBSCRIBE_SECONDS, trust_env=False) as client:
                answer = await client.post(address, data={"List-Unsubscribe": "One-Click"})
            outcome = "yes" if answer.is_success else "no"
        except httpx.HTTPError:
            outcome = "no"
        return RedirectResponse(f"/mail/{number}?unsubscribed={outcome}", 303)

    def _phone(self, number: str) -> dict[str, Any]:
        thread = self.exchange.thread(number)
        companies = list(dict.fromkeys(message.company for message in reversed(thread) if message.company))
        companies = companies or [self.exchange.settings.sender]
        return {
            "number": number,
            "path": _path(number),
            "clock": self._eyes().time(self.exchange.now()),
            "shown": views.show_number(number),
            "days": views.days(thread, self._eyes()),
            "companies": [(company, views.show_number(company)) for company in companies],
            "company_name": self.exchange.settings.company_name,
            "opted_out": any(self.exchange.is_stopped(company, number) for company in companies),
            "details": [message for message in reversed(thread) if message.direction == "outbound-api"][:6],
            "received": sum(message.direction != "inbound" for message in thread),
            "written": sum(message.direction == "inbound" for message in thread),
        }

    def _mail(self, mail: Mail) -> dict[str, Any]:
        parsed = mail.parse()
        return {
            "row": views.mail_row(mail, self._eyes()),
            "day": self._eyes().day(mail.received_at),
            "time": self._eyes().time(mail.received_at),
            "envelope": mail,
            "has_html": views.part(parsed, "html") is not None,
            "plain": views.part(parsed, "plain"),
            "headers": [(name, views.header(parsed, name)) for name in dict.fromkeys(parsed.keys())],
            "attachments": [part.get_filename() or "unnamed" for part in parsed.iter_attachments()],
            "one_click": one_click(mail) is not None,
            "size": f"{max(round(len(mail.raw) / 1000), 1)} kB",
        }

    def _rows(self) -> list[views.PhoneRow]:
        return views.phone_rows(self.exchange.phones(), self.exchange.stopped_phones(), self._eyes())

    def _eyes(self) -> views.Eyes:
        return views.Eyes(self.exchange.settings.time_zone, self.exchange.now())

    def _missing(self, kind: str) -> Response:
        return self._draw("missing.html", status=404, kind=kind)

    def _draw(self, name: str, status: int = 200, **values: Any) -> Response:
        nonce = secrets.token_urlsafe(16)
        settings = self.exchange.settings
        text = self.templates.get_template(name).render(
            nonce=nonce, company=settings.company_name, today=self._eyes().date(self.exchange.now()), **values
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


def one_click(mail: Mail) -> str | None:
    """Give the address of a mail's one-click unsubscribe (RFC 8058), if it has one on this machine."""
    parsed = mail.parse()
    if views.header(parsed, "List-Unsubscribe-Post").strip() != "List-Unsubscribe=One-Click":
        return None
    for address in re.findall(r"<(https?://[^<>\s]+)>", views.header(parsed, "List-Unsubscribe")):
        if is_loopback(urlsplit(address).hostname or ""):
            return str(address)
    return None


def _path(number: str) -> str:
    return f"/phones/{quote(number, safe='+:')}"


def _from_elsewhere(request: Request) -> bool:
    """Say whether a form comes from another web page than ours."""
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")
