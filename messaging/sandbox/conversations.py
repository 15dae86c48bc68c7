"""Chats, as Twilio Conversations keeps them: the company writes by the API, the customer by a page."""

import json
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from messaging.sandbox.refusals import Refusal
from messaging.sandbox.settings import SandboxSettings
from messaging.sandbox.work import Webhook, Works

BODY_LIMIT = 1600


@dataclass(frozen=True)
class ChatMessage:
    """One message in a conversation; `created_at` is naive UTC. `source` is API or SDK: the company, the customer."""

    sid: str
    index: int
    author: str
    body: str
    attributes: str
    source: str
    created_at: datetime


class Conversation:
    """One conversation and its last messages, oldest first."""

    def __init__(self, sid: str, name: str, created_at: datetime, kept: int) -> None:
        self.sid = sid
        self.name = name
        self.created_at = created_at
        self.messages: deque[ChatMessage] = deque(maxlen=kept)
        self.count = 0


class Conversations:
    """All conversations of one sandbox; every method may be called from any thread. `now` gives naive UTC."""

    def __init__(self, settings: SandboxSettings, now: Callable[[], datetime], works: Works) -> None:
        self._settings = settings
        self._now = now
        self._works = works
        self._lock = threading.RLock()
        self._conversations: dict[str, Conversation] = {}

    def open(self, name: str) -> Conversation:
        """Open a conversation; the oldest goes when there are too many."""
        with self._lock:
            kept = self._settings.conversation_messages_kept
            conversation = Conversation(f"CH{uuid.uuid4().hex}", name, self._now(), kept)
            self._conversations[conversation.sid] = conversation
            while len(self._conversations) > self._settings.conversations_kept:
                del self._conversations[next(iter(self._conversations))]
            return conversation

    def get(self, sid: str) -> Conversation | None:
        """Give a conversation by its sid."""
        with self._lock:
            return self._conversations.get(sid)

    def newest_first(self) -> list[Conversation]:
        """Give every conversation, the one opened last first."""
        with self._lock:
            return list(reversed(self._conversations.values()))

    def messages(self, sid: str) -> list[ChatMessage]:
        """Give the messages of a conversation, oldest first."""
        with self._lock:
            conversation = self._conversations.get(sid)
            return list(conversation.messages) if conversation else []

    def write(self, sid: str, form: Mapping[str, str]) -> ChatMessage | Refusal:
        """Take what the company writes by the API, or say why not."""
        refusal = _refuse(form)
        if refusal is not None:
            self._works.refused[refusal.code] += 1
            return refusal
        return self._add(
            sid, form.get("Author") or "system", form["Body"], form.get("Attributes") or "{}", "API"
        )

    def answer(self, sid: str, author: str, body: str) -> ChatMessage:
        """Take what the customer writes, and post it to the webhook."""
        message = self._add(sid, author, body, "{}", "SDK")
        params = {
            "AccountSid": self._settings.account_sid,
            "Attributes": message.attributes,
            "Author": message.author,
            "Body": message.body,
            "ConversationSid": sid,
            "DateCreated": iso_8601(message.created_at),
            "EventType": "onMessageAdded",
            "Index": str(message.index),
            "MessageSid": message.sid,
            "ParticipantSid": f"MB{uuid.uuid5(uuid.NAMESPACE_OID, sid + author).hex}",
            "RetryCount": "0",
            "Source": message.source,
        }
        self._works.couriers.post(sid, Webhook(self._settings.conversations_url, params))
        return message

    def _add(self, sid: str, author: str, body: str, attributes: str, source: str) -> ChatMessage:
        with self._lock:
            conversation = self._conversations[sid]
            message = ChatMessage(
                f"IM{uuid.uuid4().hex}", conversation.count, author, body, attributes, source, self._now()
            )
            conversation.count += 1
            conversation.messages.append(message)
            return message


def _refuse(form: Mapping[str, str]) -> Refusal | None:
    if not form.get("Body"):
        return Refusal(20001, "Body")
    if len(form["Body"]) > BODY_LIMIT:
        return Refusal(20001, "Body")
    try:
        attributes = json.loads(form.get("Attributes") or "{}")
    except ValueError:
        return Refusal(20001, "Attributes")
    return None if isinstance(attributes, dict) else Refusal(20001, "Attributes")


def iso_8601(moment: datetime) -> str:
    """Write a moment (naive UTC) as Twilio's newer APIs do."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
