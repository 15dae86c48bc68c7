"""The chats, as a customer sees them in the company's chat window."""

from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from messaging.sandbox import views
from messaging.sandbox.conversations import BODY_LIMIT, Conversation, Conversations
from messaging.sandbox.drawing import Drawing, refuse_elsewhere

NAME_LIMIT = 60


def chat_pages(conversations: Conversations, drawing: Drawing) -> APIRouter:
    """Give the routes of the chats."""
    pages = _ChatPages(conversations, drawing)
    router = APIRouter(prefix="/chats")
    router.add_api_route("", pages.chats, methods=["GET"])
    router.add_api_route("", pages.open, methods=["POST"])
    router.add_api_route("/{sid}", pages.chat, methods=["GET"])
    router.add_api_route("/{sid}", pages.answer, methods=["POST"])
    router.add_api_route("/{sid}/thread", pages.thread, methods=["GET"])
    return router


class _ChatPages:
    """One method a page; what is shown comes from `views`."""

    def __init__(self, conversations: Conversations, drawing: Drawing) -> None:
        self.conversations = conversations
        self.drawing = drawing

    async def chats(self) -> Response:
        eyes = self.drawing.eyes()
        rows = [
            views.chat_row(one.sid, _name(one), self.conversations.messages(one.sid), one.created_at, eyes)
            for one in self.conversations.newest_first()
        ]
        return self.drawing.draw("chats.html", chats=rows)

    async def open(self, request: Request) -> Response:
        if refusal := refuse_elsewhere(request):
            return refusal
        name = await _field(request, "name")
        return RedirectResponse(f"/chats/{self.conversations.open(name[:NAME_LIMIT]).sid}", 303)

    async def chat(self, sid: str) -> Response:
        conversation = self.conversations.get(sid)
        if conversation is None:
            return self.drawing.missing("chat")
        return self.drawing.draw("chat.html", **self._chat(conversation))

    async def thread(self, sid: str) -> Response:
        conversation = self.conversations.get(sid)
        if conversation is None:
            return self.drawing.missing("chat")
        return self.drawing.draw("thread.html", **self._chat(conversation))

    async def answer(self, request: Request, sid: str) -> Response:
        if refusal := refuse_elsewhere(request):
            return refusal
        conversation = self.conversations.get(sid)
        if conversation is None:
            return self.drawing.missing("chat")
        if body := await _field(request, "body"):
            self.conversations.answer(sid, _name(conversation), body[:BODY_LIMIT])
        return RedirectResponse(f"/chats/{sid}", 303)

    def _chat(self, conversation: Conversation) -> dict[str, Any]:
        eyes = self.drawing.eyes()
        return {
            "sid": conversation.sid,
            "path": f"/chats/{conversation.sid}",
            "name": _name(conversation),
            "clock": eyes.time(self.drawing.now()),
            "days": views.chat_days(self.conversations.messages(conversation.sid), eyes),
            "company_name": self.drawing.settings.company_name,
            "nothing": "Nobody has written yet.",
        }


def _name(conversation: Conversation) -> str:
    return conversation.name or "Visitor"


async def _field(request: Request, name: str) -> str:
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    return form.get(name, [""])[-1].strip()
