"""Telephone calls: they ring, somebody answers or not, the TwiML is said, and the company is told of each step."""

import threading
import uuid
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal, get_args

from messaging.sandbox.faults import Fault
from messaging.sandbox.messages import API, rfc_2822
from messaging.sandbox.refusals import Refusal
from messaging.sandbox.requests import MAGIC_RECIPIENTS, MAGIC_SENDERS, NUMBER, refuse_callback
from messaging.sandbox.settings import SandboxSettings
from messaging.sandbox.twiml import LIMIT, Script, read_twiml
from messaging.sandbox.webhooks import CALLBACK_FAULTS
from messaging.sandbox.work import Webhook, Works

Habit = Literal["answers", "busy", "no-answer"]
HABITS: tuple[str, ...] = get_args(Habit)
ENDED = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
_EVENTS = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}  # all others: completed
_WORDS_A_MINUTE = 150
_SIP = {"completed": "200", "busy": "486", "no-answer": "487", "failed": "404", "canceled": "487"}


@dataclass
class Call:
    """One call from the company to a person. Times are naive UTC; `duration` is seconds of talk."""

    sid: str
    sender: str
    recipient: str
    script: Script
    created_at: datetime
    status: str = "queued"
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration: int = 0
    outcome: str = "completed"
    status_callback: str = ""
    wanted: frozenset[str] = frozenset({"completed"})
    callbacks: str = "normal"
    sequence: int = 0
    held_back: list[dict[str, str]] = field(default_factory=list)

    def resource(self, account_sid: str) -> dict[str, Any]:
        """Give the call in the shape of Twilio's Calls API."""
        uri = f"{API}/Accounts/{account_sid}/Calls/{self.sid}"
        return {
            "sid": self.sid,
            "account_sid": account_sid,
            "api_version": "2010-04-01",
            "answered_by": None,
            "caller_name": None,
            "date_created": rfc_2822(self.created_at),
            "date_updated": rfc_2822(self.ended_at or self.created_at),
            "direction": "outbound-api",
            "duration": str(self.duration) if self.ended_at else None,
            "end_time": rfc_2822(self.ended_at),
            "forwarded_from": None,
            "from": self.sender,
            "from_formatted": self.sender,
            "parent_call_sid": None,
            "phone_number_sid": None,
            "price": None,
            "price_unit": "USD",
            "queue_time": "0",
            "start_time": rfc_2822(self.started_at),
            "status": self.status,
            "subresource_uris": {"recordings": f"{uri}/Recordings.json"},
            "to": self.recipient,
            "to_formatted": self.recipient,
            "uri": f"{uri}.json",
        }


class Switchboard:
    """All calls of one sandbox; every method may be called from any thread. `now` gives naive UTC."""

    def __init__(self, settings: SandboxSettings, now: Callable[[], datetime], works: Works) -> None:
        self._settings = settings
        self._now = now
        self._works = works
        self._lock = threading.RLock()
        self._calls: dict[str, Call] = {}
        self._habits: dict[str, Habit] = {}

    def create(self, pairs: list[tuple[str, str]], faults: dict[str, Fault]) -> Call | Refusal:
        """Begin a call, or say why not; gives it as it was when it was taken."""
        form = dict(pairs)
        refusal = _refuse(form)
        if refusal is not None:
            self._works.refused[refusal.code] += 1
            return refusal
        with self._lock:
            call = self._begin(form, [value for name, value in pairs if name == "StatusCallbackEvent"])
            self._set_fate(call, faults)
            self._calls[call.sid] = call
            while len(self._calls) > self._settings.calls_kept:
                del self._calls[next(iter(self._calls))]
            self._works.pending.begin()
            taken = copy(call)
            self._later(call.sid)
            return taken

    def get(self, sid: str) -> Call | None:
        """Give a call by its sid."""
        with self._lock:
            return self._calls.get(sid)

    def newest_first(self) -> list[Call]:
        """Give every call, the newest first."""
        with self._lock:
            return list(reversed(self._calls.values()))

    def of(self, phone: str) -> list[Call]:
        """Give the calls to one phone, oldest first."""
        with self._lock:
            return [call for call in self._calls.values() if call.recipient == phone]

    def end(self, sid: str, status: str) -> Call | Refusal:
        """End a call as its caller may: cancel one that nobody answered, hang up one that somebody did."""
        with self._lock:
            call = self._calls[sid]
            talking = call.status == "in-progress"
            if status not in {"canceled", "completed"} or call.status in ENDED:
                return Refusal(20001, "Status")
            if status == "completed" or not talking:
                call.outcome = "completed" if talking else "canceled"
            return copy(call)

    def habit(self, phone: str) -> Habit:
        """Say what the owner of a phone does when it rings."""
        with self._lock:
            return self._habits.get(phone, "answers")

    def set_habit(self, phone: str, habit: Habit) -> None:
        """Let the owner of a phone answer from now on, or not."""
        with self._lock:
            self._habits.pop(phone, None)
            if habit != "answers":
                self._habits[phone] = habit
            while len(self._habits) > self._settings.calls_kept:
                del self._habits[next(iter(self._habits))]

    def _begin(self, form: Mapping[str, str], wanted: list[str]) -> Call:
        script = read_twiml(form["Twiml"]) if form.get("Twiml") else Script(left_out=["Url"])
        return Call(
            sid=f"CA{uuid.uuid4().hex}",
            sender=form["From"].strip(),
            recipient=form["To"].strip(),
            script=script,
            created_at=self._now(),
            status_callback=form.get("StatusCallback", "").strip(),
            wanted=frozenset(wanted) or frozenset({"completed"}),
        )

    def _set_fate(self, call: Call, faults: dict[str, Fault]) -> None:
        habit = self.habit(call.recipient)
        call.outcome = "completed" if habit == "answers" else habit
        for kind, outcome in (("busy", "busy"), ("no_answer", "no-answer"), ("failed", "failed")):
            if kind in faults:
                call.outcome = outcome
        for kind, callbacks in CALLBACK_FAULTS.items():
            if kind in faults:
                call.callbacks = callbacks

    def _later(self, sid: str) -> None:
        self._works.timeline.after(self._settings.step_seconds, partial(self._advance, sid))

    def _advance(self, sid: str) -> None:
        """Take a call one status on."""
        with self._lock:
            call = self._calls.get(sid)
            if call is None:
                self._works.pending.end()
                return
            if call.status == "queued":
                self._tell(call, "initiated")
            call.status = _next(call)
            if call.status == "in-progress":
                call.started_at = self._now()
            if call.status in ENDED:
                self._end(call)
            self._tell(call, call.status)
            if call.status in ENDED:
                self._works.pending.end()
            else:
                self._later(sid)

    def _end(self, call: Call) -> None:
        call.ended_at = self._now()
        if call.status == "completed":
            words = sum(len(one.words.split()) * one.loop for one in call.script.heard)
            call.duration = 1 + words * 60 // _WORDS_A_MINUTE
            call.ended_at += timedelta(seconds=call.duration)

    def _tell(self, call: Call, status: str) -> None:
        event = _EVENTS.get(status, "completed")
        if not call.status_callback or call.callbacks == "none" or event not in call.wanted:
            return
        call.held_back.append(_params(call, status, self._settings.account_sid, self._now()))
        call.sequence += 1
        if call.callbacks == "reversed" and status not in ENDED:
            return
        line = reversed(call.held_back) if call.callbacks == "reversed" else call.held_back
        for params in line:
            for _ in range(2 if call.callbacks == "double" else 1):
                self._works.couriers.post(call.sid, Webhook(call.status_callback, params))
        call.held_back = []


def _next(call: Call) -> str:
    if call.outcome == "canceled":
        return "canceled"
    if call.status == "queued":
        return "failed" if call.outcome == "failed" else "ringing"
    return "in-progress" if call.status == "ringing" and call.outcome == "completed" else call.outcome


def _params(call: Call, status: str, account_sid: str, now: datetime) -> dict[str, str]:
    """Give the form of a status callback of a call."""
    params = {
        "AccountSid": account_sid,
        "ApiVersion": "2010-04-01",
        "CallSid": call.sid,
        "CallStatus": status,
        "CallbackSource": "call-progress-events",
        "Called": call.recipient,
        "Caller": call.sender,
        "Direction": "outbound-api",
        "From": call.sender,
        "SequenceNumber": str(call.sequence),
        "Timestamp": rfc_2822(now) or "",
        "To": call.recipient,
    }
    if status in ENDED:
        params |= {"CallDuration": str(call.duration), "SipResponseCode": _SIP[status]}
        params["Duration"] = str(-(-call.duration // 60))  # in minutes begun
    return params


def _refuse(form: Mapping[str, str]) -> Refusal | None:  # noqa: PLR0911 - one return for each refusal
    to, sender = form.get("To", "").strip(), form.get("From", "").strip()
    if not to:
        return Refusal(21201)
    if to in MAGIC_RECIPIENTS and MAGIC_RECIPIENTS[to] == 21211:
        return Refusal(21211, to)
    if not NUMBER.fullmatch(to):
        return Refusal(21211, to)
    if not sender:
        return Refusal(21213)
    if not NUMBER.fullmatch(sender) or MAGIC_SENDERS.get(sender) == 21212:
        return Refusal(21212, sender)
    if not (form.get("Twiml") or form.get("Url") or form.get("ApplicationSid")):
        return Refusal(21205)
    if len(form.get("Twiml", "")) > LIMIT:
        return Refusal(20001, "Twiml")
    return refuse_callback(form.get("StatusCallback", "").strip())
