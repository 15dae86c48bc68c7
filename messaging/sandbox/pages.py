"""The phones, each as its owner sees it: messages and calls, and everything that a thumb can answer."""

import re
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from messaging.sandbox import views
from messaging.sandbox.calls import HABITS, Call, Switchboard
from messaging.sandbox.control import summary
from messaging.sandbox.drawing import Drawing, refuse_elsewhere
from messaging.sandbox.exchange import Exchange
from messaging.sandbox.mail import Mailbox
from messaging.sandbox.media import MediaFile

_NUMBER = re.compile(r"(whatsapp:)?\+?[0-9]{3,15}")
ANSWER_LIMIT = 1600
FORM_BYTES = 20_000  # of an answer, beside its file


def page_routes(
    exchange: Exchange, switchboard: Switchboard, mailbox: Mailbox, drawing: Drawing
) -> APIRouter:
    """Give the routes of the overview and the phones."""
    pages = _Pages(exchange, switchboard, mailbox, drawing)
    router = APIRouter()
    router.add_api_route("/", pages.index, methods=["GET"])
    router.add_api_route("/phones", pages.phones, methods=["GET"])
    router.add_api_route("/phones/{number}", pages.phone, methods=["GET"])
    router.add_api_route("/phones/{number}/thread", pages.thread, methods=["GET"])
    router.add_api_route("/phones/{number}", pages.answer, methods=["POST"])
    router.add_api_route("/phones/{number}/habit", pages.set_habit, methods=["POST"])
    return router


class _Pages:
    """One method a page; what is shown comes from `views`."""

    def __init__(
        self, exchange: Exchange, switchboard: Switchboard, mailbox: Mailbox, drawing: Drawing
    ) -> None:
        self.exchange = exchange
        self.switchboard = switchboard
        self.mailbox = mailbox
        self.drawing = drawing

    async def index(self) -> Response:
        return self.drawing.draw("index.html", counts=self._counts(), phones=self._rows()[:5])

    async def phones(self, number: str = "") -> Response:
        wanted = number.replace(" ", "")
        if _NUMBER.fullmatch(wanted):
            return RedirectResponse(_path(wanted), 303)
        return self.drawing.draw("phones.html", phones=self._rows(), asked=number)

    async def phone(self, number: str) -> Response:
        if not _NUMBER.fullmatch(number):
            return self.drawing.missing("phone")
        return self.drawing.draw("phone.html", **self._phone(number))

    async def thread(self, number: str) -> Response:
        if not _NUMBER.fullmatch(number):
            return self.drawing.missing("phone")
        return self.drawing.draw("thread.html", **self._phone(number))

    async def answer(self, request: Request, number: str) -> Response:
        """Send what the phone's owner wrote, with a file if there is one."""
        if refusal := refuse_elsewhere(request) or self._refuse_size(request):
            return refusal
        if not _NUMBER.fullmatch(number):
            return self.drawing.missing("phone")
        async with request.form(max_files=1, max_fields=5) as form:
            body = str(form.get("body", "")).strip()[:ANSWER_LIMIT]
            company = str(form.get("to") or self.exchange.settings.sender)
            files = await self._files(form.get("file"))
        if body or files:
            base_url = str(request.base_url)
            self.exchange.receive(number, company, body, files=files, base_url=base_url)
        return RedirectResponse(_path(number), 303)

    async def set_habit(self, request: Request, number: str) -> Response:
        """Let the phone's owner answer calls from now on, or not."""
        if refusal := refuse_elsewhere(request):
            return refusal
        async with request.form(max_files=0, max_fields=2) as form:
            habit = form.get("habit")
        if not _NUMBER.fullmatch(number) or habit not in HABITS:
            return self.drawing.missing("phone")
        self.switchboard.set_habit(number, habit)  # type: ignore[arg-type]  # one of them, as just looked up
        return RedirectResponse(_path(number), 303)

    def _refuse_size(self, request: Request) -> Response | None:
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) <= self.exchange.settings.media_bytes + FORM_BYTES:
            return None
        return PlainTextResponse("This file is too large for a phone to send.", 413)

    async def _files(self, file: object) -> list[MediaFile]:
        if not isinstance(file, UploadFile) or not file.filename:
            return []
        return [self.exchange.media.add(file.content_type or "", await file.read())]

    def _phone(self, number: str) -> dict[str, Any]:
        thread, calls = self.exchange.thread(number), self.switchboard.of(number)
        settings = self.exchange.settings
        companies = list(dict.fromkeys(message.company for message in reversed(thread) if message.company))
        companies = companies or [self._own(number)]
        return {
            "number": number,
            "path": _path(number),
            "clock": self.drawing.eyes().time(self.exchange.now()),
            "shown": views.show_number(number),
            "days": views.days(thread, calls, self.drawing.eyes()),
            "nothing": f"Nothing has come to this phone yet. Write below, and {settings.company_name} gets it.",
            "whatsapp": number.startswith("whatsapp:"),
            "other": _path(_other(number)),
            "habit": self.switchboard.habit(number),
            "calls": len(calls),
            "companies": [(company, views.show_number(company)) for company in companies],
            "company_name": self.exchange.settings.company_name,
            "opted_out": any(self.exchange.is_stopped(company, number) for company in companies),
            "details": [message for message in reversed(thread) if message.direction == "outbound-api"][:6],
            "received": sum(message.direction != "inbound" for message in thread),
            "written": sum(message.direction == "inbound" for message in thread),
        }

    def _counts(self) -> dict[str, Any]:
        return summary(self.exchange, self.mailbox) | {"calls": len(self.switchboard.newest_first())}

    def _rows(self) -> list[views.PhoneRow]:
        calls: dict[str, list[Call]] = {}
        for call in reversed(self.switchboard.newest_first()):
            calls.setdefault(call.recipient, []).append(call)
        stopped = self.exchange.stopped_phones()
        return views.phone_rows(self.exchange.phones(), calls, stopped, self.drawing.eyes())

    def _own(self, number: str) -> str:
        prefix = "whatsapp:" if number.startswith("whatsapp:") else ""
        return prefix + self.exchange.settings.sender


def _path(number: str) -> str:
    return f"/phones/{quote(number, safe='+:')}"


def _other(number: str) -> str:
    """Give the same phone's WhatsApp, or its SMS."""
    return number.removeprefix("whatsapp:") if number.startswith("whatsapp:") else f"whatsapp:{number}"
