"""The contact form: a page of its own, or within a company's site; what is sent is acknowledged by mail at once.

Against programs that fill in forms: a field that people do not see, a form that is signed and older than a glance, and no
more than a few from one network. They are thanked like anybody else, and nothing is kept. Where very many networks write at
once, what they write is kept and nobody gets a receipt: a crowd of programs shall not shut the form to customers.
"""

import hashlib
import secrets
import time
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Connection, func, select
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from messaging import inbox, outbox
from messaging.addresses import normalise_email
from messaging.inbox import Heard, Inbound, InboundReceipt
from messaging.store.ids import new_id
from messaging.store.tables import messages
from messaging.webhooks.checks import token_of
from messaging.webhooks.door import Door, read_body, refuse
from messaging.webhooks.limits import RateLimit, source_of
from messaging.webhooks.pages import Pages
from messaging.webhooks.signatures import Form, read_form
from messaging.webhooks.words import all_words, language_of

log = structlog.get_logger(__name__)

INTAKE = "contact"
PROVIDER = CHANNEL = "form"
RECEIPT = "contact_receipt"
BODY_LIMIT = 128 * 1024  # 5000 characters take up to 60 KB as a form is written
LONGEST_MESSAGE, LONGEST_NAME = 5000, 200
GLANCE = 2  # seconds: nobody fills in a form sooner
OLDEST = 24 * 3600
DAY = timedelta(days=1)
RECEIPTS_AT_ONCE = 300  # in ten minutes, to whomever: more than a shop's customers ask for
RECEIPTS_A_DAY = 3  # to one address: the form shall not be used to fill somebody's mailbox


def contact_routes(door: Door) -> list[Route]:
    """Give the routes of the form."""
    form = _Contact(door)
    return [
        Route("/contact", form.show, methods=["GET"]),
        Route("/contact", form.take, methods=["POST"]),
    ]


class _Contact:
    """One method a route."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._pages = Pages(door.settings)
        self._limit = RateLimit(each=5, together=None, seconds=600)
        self._receipts = RateLimit(each=RECEIPTS_AT_ONCE, together=None, seconds=600)
        sites = [site.strip() for site in door.settings.form_sites.split(",") if site.strip()]
        self._framed_by = " ".join(["'self'", *sites]) if sites else ""

    async def show(self, request: Request) -> Response:
        """Show the form."""
        return self._form(request)

    async def take(self, request: Request) -> Response:
        """Take a message, and acknowledge it."""
        body = await read_body(request, BODY_LIMIT)
        if body is None:
            return refuse(413)
        form = read_form(request.headers, body)
        if form is None:
            return refuse(400)
        lang, shown = language_of(request), self._shown(request)
        issued = self._door.links.form_of(form.get("form", ""))
        wrong = _wrong(form, lang)
        if wrong or issued is None or time.time() - issued[0] > OLDEST:
            since = issued[0] if issued is not None else None
            return self._form(request, form, wrong or all_words()[lang].wrong_title, since)
        if form.get("website") or time.time() - issued[0] < GLANCE:
            log.info("contact.program")
            return self._pages.sent(lang, **shown)
        source = source_of(request.client.host if request.client else None)
        if token_of(self._door.links, INTAKE, request) is None and not self._limit.allows(source):
            return self._pages.too_many(lang, **shown)
        await self._keep(request, body, read_message(form, issued[1], lang), lang)
        return self._pages.sent(lang, **shown)

    async def _keep(self, request: Request, body: bytes, message: Inbound, lang: str) -> None:
        door = self._door
        company = door.settings.company_name if self._receipts.allows("all") else None
        heard = await run_in_threadpool(
            inbox.hear, door.addresses, message, door.clock, door.find_customers, door.company
        )
        work = partial(_receive, heard=heard, lang=lang, company=company)
        await door.take(door.raw(INTAKE, request, body), message.provider_sid, work)

    def _form(
        self, request: Request, form: Form | None = None, wrong: str = "", since: int | None = None
    ) -> HTMLResponse:
        """Draw the form; drawn again, it is as old as the one that was filled in, if that is not too old."""
        lang, now = language_of(request), int(time.time())
        issued = since if since is not None and now - since < OLDEST / 2 else now
        token = self._door.links.form(issued, secrets.token_hex(16))
        given = (
            {name: (form.get(name) or "")[:LONGEST_MESSAGE] for name in ("name", "email", "message")}
            if form
            else {}
        )
        return self._pages.contact(token, lang, given=given, wrong=wrong, **self._shown(request))

    def _shown(self, request: Request) -> dict[str, Any]:
        return {"embedded": request.query_params.get("embed") == "1", "framed_by": self._framed_by}


def read_message(form: Form, nonce: str, lang: str) -> Inbound:
    """Read a form that is filled in right as a message, under the form's number and a digest of what it says.

    So the same one sent twice is one message, and what somebody goes back for and adds is another.
    """
    name = " ".join(_clean(form.get("name", "")).split())[:LONGEST_NAME]
    address = normalise_email(form.get("email", "")) or ""
    body = _clean(form.get("message", "")).replace("\r\n", "\n").strip()
    said = hashlib.sha256(f"{address}\n{body}".encode("utf-8", "surrogatepass")).hexdigest()
    return Inbound(
        provider=PROVIDER,
        provider_sid=f"{nonce}.{said[:16]}",
        channel=CHANNEL,
        from_address=address,
        to_address="contact",
        body=body,
        payload={"name": name, "language": lang},
    )


def _wrong(form: Form, lang: str) -> str:
    """Say what is missing, in the reader's words; nothing where the form is right."""
    words = all_words()[lang]
    if normalise_email(form.get("email", "")) is None:
        return words.wrong_email
    message = form.get("message", "").replace("\r\n", "\n").strip()
    return "" if 0 < len(message) <= LONGEST_MESSAGE else words.wrong_message


def _receive(connection: Connection, heard: Heard, lang: str, company: str | None) -> InboundReceipt:
    """Store a message, and queue its receipt from a `company`, where it gets one."""
    receipt = inbox.record(connection, heard)
    if not receipt.duplicate and company is not None:
        _acknowledge(connection, heard, receipt, lang, company)
    return receipt


def _acknowledge(
    connection: Connection, heard: Heard, receipt: InboundReceipt, lang: str, company: str
) -> None:
    """Queue the receipt, which is no marketing, unless this address has had a few of them today."""
    table = messages.c
    today = select(func.count()).where(
        table.address_hash == heard.address_hash, table.template == RECEIPT, table.created_at > heard.at - DAY
    )
    if connection.execute(today).scalar_one() >= RECEIPTS_A_DAY:
        return
    words = all_words()[lang]
    planned = outbox.PlannedMessage(
        message_id=new_id("msg"),
        customer_id=receipt.customer_id or receipt.inbound_id,
        channel="email",
        address=heard.address,
        address_hash=heard.address_hash,
        subject=words.receipt_subject.format(company=company),
        body=words.receipt_text.format(company=company),
        message_class="transactional",
        purpose="service",
        template=RECEIPT,
    )
    outbox.insert_planned(connection, [planned], heard.at, queued=True)


def _clean(text: str) -> str:
    return text.replace("\x00", "\ufffd")
