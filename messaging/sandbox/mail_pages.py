"""The mailboxes: the mails that were caught, and what their readers can do with them."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from messaging.sandbox import views
from messaging.sandbox.drawing import Drawing, refuse_elsewhere
from messaging.sandbox.mail import Mail, Mailbox
from messaging.sandbox.sendgrid import SendGrid
from messaging.settings import is_loopback

_HTML_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data:"
)
UNSUBSCRIBE_SECONDS = 10.0
ANSWER_LIMIT = 20_000  # characters
DONE = {  # what a reader does: the event that tells it
    "open": "open",
    "machine_open": "machine_open",
    "spam": "spamreport",
}


def mail_pages(mailbox: Mailbox, sendgrid: SendGrid, drawing: Drawing) -> APIRouter:
    """Give the routes of the mailboxes."""
    pages = _MailPages(mailbox, sendgrid, drawing)
    router = APIRouter(prefix="/mail")
    router.add_api_route("", pages.mails, methods=["GET"])
    router.add_api_route("/{number}", pages.mail, methods=["GET"])
    router.add_api_route("/{number}", pages.answer, methods=["POST"])
    router.add_api_route("/{number}/html", pages.mail_html, methods=["GET"])
    router.add_api_route("/{number}/unsubscribe", pages.unsubscribe, methods=["POST"])
    router.add_api_route("/{number}/done/{what}", pages.done, methods=["POST"])
    return router


class _MailPages:
    """One method a page; what is shown comes from `views`."""

    def __init__(self, mailbox: Mailbox, sendgrid: SendGrid, drawing: Drawing) -> None:
        self.mailbox = mailbox
        self.sendgrid = sendgrid
        self.drawing = drawing

    async def mails(self) -> Response:
        eyes = self.drawing.eyes()
        rows = [views.mail_row(mail, eyes) for mail in self.mailbox.newest_first()]
        return self.drawing.draw("mails.html", mails=rows)

    async def mail(self, number: int, unsubscribed: str = "", done: str = "") -> Response:
        mail = self.mailbox.get(number)
        if mail is None:
            return self.drawing.missing("mail")
        return self.drawing.draw("mail.html", **self._mail(mail), outcome=unsubscribed, done=done)

    async def mail_html(self, number: int) -> Response:
        mail = self.mailbox.get(number)
        html = views.part(mail.parse(), "html") if mail else None
        if html is None:
            return self.drawing.missing("mail")
        headers = {"Content-Security-Policy": _HTML_POLICY, "X-Content-Type-Options": "nosniff"}
        return HTMLResponse(f'<base target="_blank">{html}', headers=headers)

    async def answer(self, request: Request, number: int) -> Response:
        """Answer a mail, as Inbound Parse brings it to the company."""
        if refusal := refuse_elsewhere(request):
            return refusal
        mail = self.mailbox.get(number)
        if mail is None or not mail.envelope_to:
            return self.drawing.missing("mail")
        words = parse_qs((await request.body()).decode("utf-8", "replace")).get("words", [""])[-1].strip()
        if words:
            self.sendgrid.answer(mail, words[:ANSWER_LIMIT])
        return RedirectResponse(f"/mail/{number}?done={'answer' if words else ''}", 303)

    async def done(self, request: Request, number: int, what: str) -> Response:
        """Tell the company what a reader did with a mail that came by SendGrid."""
        if refusal := refuse_elsewhere(request):
            return refusal
        if what not in DONE or not self.sendgrid.is_here(number):
            return self.drawing.missing("mail")
        self.sendgrid.read(number, DONE[what])
        return RedirectResponse(f"/mail/{number}?done={what}", 303)

    async def unsubscribe(self, request: Request, number: int) -> Response:
        """Do what a mailbox provider does when its reader presses "Unsubscribe": RFC 8058's one POST."""
        if refusal := refuse_elsewhere(request):
            return refusal
        mail = self.mailbox.get(number)
        address = one_click(mail) if mail else None
        if address is None:
            return self.drawing.missing("mail")
        try:
            async with httpx.AsyncClient(timeout=UNSUBSCRIBE_SECONDS, trust_env=False) as client:
                answer = await client.post(address, data={"List-Unsubscribe": "One-Click"})
            outcome = "yes" if answer.is_success else "no"
        except httpx.HTTPError:
            outcome = "no"
        return RedirectResponse(f"/mail/{number}?unsubscribed={outcome}", 303)

    def _mail(self, mail: Mail) -> dict[str, Any]:
        parsed, eyes = mail.parse(), self.drawing.eyes()
        return {
            "row": views.mail_row(mail, eyes),
            "day": eyes.day(mail.received_at),
            "time": eyes.time(mail.received_at),
            "envelope": mail,
            "has_html": views.part(parsed, "html") is not None,
            "plain": views.part(parsed, "plain"),
            "headers": [(name, views.header(parsed, name)) for name in dict.fromkeys(parsed.keys())],
            "attachments": [part.get_filename() or "unnamed" for part in parsed.iter_attachments()],
            "one_click": one_click(mail) is not None,
            "by_sendgrid": self.sendgrid.is_here(mail.number),
            "size": f"{max(round(len(mail.raw) / 1000), 1)} kB",
        }


def one_click(mail: Mail) -> str | None:
    """Give the address of a mail's one-click unsubscribe (RFC 8058), if it has one on this machine."""
    parsed = mail.parse()
    if views.header(parsed, "List-Unsubscribe-Post").strip() != "List-Unsubscribe=One-Click":
        return None
    for address in re.findall(r"<(https?://[^<>\s]+)>", views.header(parsed, "List-Unsubscribe")):
        if is_loopback(urlsplit(address).hostname or ""):
            return str(address)
    return None
