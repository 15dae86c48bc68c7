"""The telephone exchange: it takes messages, moves them along to phones, and brings answers back."""

import itertools
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from messaging.sandbox import keywords, webhooks
from messaging.sandbox.content import Contents
from messaging.sandbox.faults import Fault
from messaging.sandbox.journal import Journal
from messaging.sandbox.media import MediaFile, MediaFiles
from messaging.sandbox.messages import API, FINAL, Message, from_record, price
from messaging.sandbox.refusals import Refusal
from messaging.sandbox.requests import CreateRequest, read_moment, refuse
from messaging.sandbox.segments import count_segments
from messaging.sandbox.settings import SandboxSettings
from messaging.sandbox.work import Webhook, Works

WINDOW = timedelta(hours=24)  # WhatsApp: free text only so long after the person's last words
OUTSIDE_WINDOW = 63016


class Exchange:
    """All phones, messages and opt-outs of one sandbox. Every method may be called from any thread.

    `now` gives naive UTC. Statuses move by the real time even where `now` is pinned.
    """

    def __init__(
        self, settings: SandboxSettings, now: Callable[[], datetime], journal: Journal, works: Works
    ) -> None:
        self.settings = settings
        self.faults, self.pending, self.refused = works.faults, works.pending, works.refused
        self.now = now
        self.contents = Contents(settings.contents_kept, now)
        self.media = MediaFiles(settings.media_kept)
        self._journal = journal
        journal.keep = self.entries
        self._timeline, self._couriers = works.timeline, works.couriers
        self._lock = threading.RLock()
        self._sequence = itertools.count(1)
        self._messages: dict[str, Message] = {}
        self._stopped: dict[tuple[str, str], bool] = {}  # (company's number, person's number)
        self._held_back: dict[str, list[Webhook]] = {}  # callbacks that a fault reverses

    def restore(self, entries: list[dict[str, Any]]) -> None:
        """Take up what a journal kept, and send on what was on its way."""
        with self._lock:
            for entry in entries:
                self._restore_one(entry)
            self._forget_oldest()
            last = max((message.sequence for message in self._messages.values()), default=0)
            self._sequence = itertools.count(last + 1)
            for message in list(self._messages.values()):
                if message.direction != "inbound" and message.status not in FINAL | {"scheduled"}:
                    self.pending.begin()
                    self._later(message.sid)

    def entries(self) -> Iterator[dict[str, Any]]:
        """Give what a journal has to keep."""
        with self._lock:
            messages = [{"message": message.to_record()} for message in self._messages.values()]
            stops = [
                {"stop": {"company": company, "phone": phone, "stopped": stopped}}
                for (company, phone), stopped in self._stopped.items()
            ]
        yield from messages
        yield from stops

    # --- what the API does

    def create(self, request: CreateRequest, faults: dict[str, Fault]) -> Message | Refusal:
        """Take a message and send it on its way, or say why not; gives it as it was when it was taken."""
        with self._lock:
            now = self.now()
            company = request.sender or self._pool_sender(request.to)
            refusal = refuse(request, now) or self.contents.refuse(request)
            if refusal is None and self.is_stopped(company, request.to):
                refusal = Refusal(21610)
            if refusal is not None:
                self.refused[refusal.code] += 1
                return refusal
            message = self._accept(request, now)
            self._set_fate(message, faults)
            self._keep(message)
            self._dispatch(message, request, now)
            return copy(message)  # the answer tells the first status, however soon the next one comes

    def get(self, sid: str) -> Message | None:
        """Give a message by its sid."""
        with self._lock:
            return self._messages.get(sid)

    def newest_first(self) -> list[Message]:
        """Give every message, the newest first."""
        with self._lock:
            return list(reversed(self._messages.values()))

    def cancel(self, sid: str) -> Message | Refusal:
        """Cancel a scheduled message; no other can be cancelled."""
        with self._lock:
            message = self._messages[sid]
            if message.status != "scheduled":
                return Refusal(30409)
            self._change(message, "canceled")
            return message

    def redact(self, sid: str) -> Message:
        """Forget what a message said."""
        with self._lock:
            message = self._messages[sid]
            message.body, message.updated_at = "", self.now()
            self._keep(message)
            return message

    def delete(self, sid: str) -> Refusal | None:
        """Forget a message; one that is still on its way stays."""
        with self._lock:
            if self._messages[sid].status not in FINAL:
                return Refusal(20009)
            del self._messages[sid]
            self._journal.write({"deleted": sid})
            return None

    # --- what a person does with their phone

    def receive(  # noqa: PLR0913 - what one message may hold
        self,
        phone: str,
        company: str,
        body: str,
        *,
        files: Sequence[MediaFile] = (),
        base_url: str = "",
        fields: Mapping[str, str] | None = None,
    ) -> Message:
        """Take what a person wrote: post it to the webhook, note STOP and START, answer the keywords.

        `files` are given out under `base_url`; `fields` are further ones of the webhook, such as a place's
        Latitude.
        """
        with self._lock:
            now, sid = self.now(), _sid(files)
            folder = f"{base_url.rstrip('/')}{API}/Accounts/{self.settings.account_sid}/Messages/{sid}/Media"
            message = Message(
                sequence=next(self._sequence),
                sid=sid,
                direction="inbound",
                sender=phone,
                recipient=company,
                body=body,
                status="received",
                created_at=now,
                updated_at=now,
                sent_at=now,
                segments=count_segments(body),
                media=tuple(f"{folder}/{file.sid}" for file in files),
            )
            self._keep(message)
            keyword = keywords.opt_out_type(body)
            params = webhooks.inbound_params(message, self.settings.account_sid, keyword)
            params |= {f"MediaContentType{place}": file.content_type for place, file in enumerate(files)}
            params |= fields or {}
            self._couriers.post(phone, Webhook(self.settings.inbound_url, params))
            self._obey(keyword, company, phone)
            self._note_read(phone)
            return message

    def is_stopped(self, company: str, phone: str) -> bool:
        """Say whether the person has opted out of what this number sends."""
        return self._stopped.get((company, phone), False)

    def stopped_phones(self) -> list[str]:
        """Give the phones whose owners have opted out of any of the company's numbers."""
        with self._lock:
            return [phone for (_, phone), stopped in self._stopped.items() if stopped]

    def phones(self) -> dict[str, list[Message]]:
        """Give the messages of every phone, oldest first; the phone with the newest message comes first."""
        with self._lock:
            threads: dict[str, list[Message]] = {}
            for message in reversed(self._messages.values()):
                threads.setdefault(message.phone, []).append(message)
            return {phone: thread[::-1] for phone, thread in threads.items()}

    def thread(self, phone: str) -> list[Message]:
        """Give the messages of one phone, oldest first."""
        with self._lock:
            return [message for message in self._messages.values() if message.phone == phone]

    @property
    def webhook_answers(self) -> dict[str, int]:
        """Give how webhooks were answered: HTTP status, or why there was none, and how often."""
        return dict(self._couriers.answers)

    # --- how a message moves

    def _restore_one(self, entry: dict[str, Any]) -> None:
        if "message" in entry:
            message = from_record(entry["message"])
            self._messages[message.sid] = message
        elif "stop" in entry:
            stop = entry["stop"]
            self._stopped[stop["company"], stop["phone"]] = stop["stopped"]
        elif "deleted" in entry:
            self._messages.pop(entry["deleted"], None)

    def _accept(self, request: CreateRequest, now: datetime) -> Message:
        service = bool(request.service_sid)
        status = ("scheduled" if request.scheduled else "accepted") if service else "queued"
        return Message(
            sequence=next(self._sequence),
            sid=_sid(request.media),
            direction="outbound-api",
            sender=request.sender or None,
            recipient=request.to,
            body=self.contents.text(request) if request.content_sid else request.body,
            status=status,
            created_at=now,
            updated_at=now,
            segments=0 if service else count_segments(request.body),
            media=request.media,
            content_sid=request.content_sid or None,
            service_sid=request.service_sid or None,
            status_callback=request.status_callback or None,
        )

    def _set_fate(self, message: Message, faults: dict[str, Fault]) -> None:
        for kind in ("undelivered", "failed"):
            if kind in faults:
                message.outcome, message.outcome_code = kind, faults[kind].code or 30008
        for kind, callbacks in webhooks.CALLBACK_FAULTS.items():
            if kind in faults:
                message.callbacks = callbacks
        if message.recipient.startswith("whatsapp:") and not (
            message.content_sid or self._in_window(message)
        ):
            message.outcome, message.outcome_code = "failed", OUTSIDE_WINDOW

    def _in_window(self, message: Message) -> bool:
        return any(
            earlier.direction == "inbound" and message.created_at - earlier.created_at <= WINDOW
            for earlier in self.thread(message.recipient)
        )

    def _dispatch(self, message: Message, request: CreateRequest, now: datetime) -> None:
        if message.status == "scheduled":
            moment = read_moment(request.send_at)
            assert moment is not None
            self._timeline.after((moment - now).total_seconds(), partial(self._wake, message.sid))
            return
        self.pending.begin()
        self._later(message.sid)

    def _wake(self, sid: str) -> None:
        with self._lock:
            message = self._messages.get(sid)
            if message is not None and message.status == "scheduled":
                self.pending.begin()
                self._advance(sid)

    def _later(self, sid: str) -> None:
        self._timeline.after(self.settings.step_seconds, partial(self._advance, sid))

    def _advance(self, sid: str) -> None:
        """Move a message one status on."""
        with self._lock:
            message = self._messages.get(sid)
            if message is None:
                self.pending.end()
                return
            if message.sender is None:
                message.sender = self._pool_sender(message.recipient)
                message.segments = count_segments(message.body)
            self._change(message, webhooks.next_status(message))
            if message.status in FINAL:
                self.pending.end()
            else:
                self._later(sid)

    def _change(self, message: Message, status: str) -> None:
        message.status, message.updated_at = status, self.now()
        if status == "sent":
            message.sent_at, message.price = message.updated_at, price(message.segments)
        if status == message.outcome:
            message.error_code = message.outcome_code
        self._keep(message)
        self._call_back(message)

    def _call_back(self, message: Message) -> None:
        if not message.status_callback or message.callbacks == "none":
            return
        params = webhooks.status_params(message, self.settings.account_sid, self.now())
        line = self._held_back.setdefault(message.sid, [])
        line.append(Webhook(message.status_callback, params))
        if message.callbacks == "reversed" and message.status not in FINAL:
            return
        for webhook in reversed(line) if message.callbacks == "reversed" else line:
            for _ in range(2 if message.callbacks == "double" else 1):
                self._couriers.post(message.sid, webhook)
        del self._held_back[message.sid]

    def _obey(self, keyword: str | None, company: str, phone: str) -> None:
        stopped = self.is_stopped(company, phone)
        if keyword == "HELP":
            self._reply(company, phone, keywords.HELP_REPLY)
        elif keyword == "STOP" and not stopped:
            self._note_stop(company, phone, stopped=True)
            self._reply(company, phone, keywords.STOP_REPLY)
        elif keyword == "START" and stopped:
            self._note_stop(company, phone, stopped=False)
            self._reply(company, phone, keywords.START_REPLY)

    def _note_read(self, phone: str) -> None:
        """Whoever answers by WhatsApp has read what lay there; a plain text message tells nobody."""
        if phone.startswith("whatsapp:"):
            for message in self.thread(phone):
                if message.status == "delivered" and message.direction == "outbound-api":
                    self._change(message, "read")

    def _note_stop(self, company: str, phone: str, *, stopped: bool) -> None:
        self._stopped[company, phone] = stopped
        self._journal.write({"stop": {"company": company, "phone": phone, "stopped": stopped}})

    def _reply(self, company: str, phone: str, body: str) -> None:
        now = self.now()
        self._keep(
            Message(
                sequence=next(self._sequence),
                sid=_sid(()),
                direction="outbound-reply",
                sender=company,
                recipient=phone,
                body=body,
                status="delivered",
                created_at=now,
                updated_at=now,
                sent_at=now,
                segments=count_segments(body),
            )
        )

    def _keep(self, message: Message) -> None:
        self._messages[message.sid] = message
        self._forget_oldest()
        self._journal.write({"message": message.to_record()})
        self._journal.compact()

    def _forget_oldest(self) -> None:
        while len(self._messages) > self.settings.messages_kept:
            del self._messages[next(iter(self._messages))]

    def _pool_sender(self, to: str) -> str:
        prefix = "whatsapp:" if to.startswith("whatsapp:") else ""
        return prefix + self.settings.sender


def _sid(media: Sequence[object]) -> str:
    return ("MM" if media else "SM") + uuid.uuid4().hex
