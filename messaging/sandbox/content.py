"""Content templates, as Twilio's Content API keeps them: approved at once, filled in by ContentVariables."""

import json
import re
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from messaging.sandbox.refusals import Refusal
from messaging.sandbox.requests import CreateRequest

_PLACE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}", re.ASCII)
TEXT_LIMIT = 1024  # of a template with what fills it (63021)


@dataclass(frozen=True)
class Content:
    """One template; `types` is what its creator sent, such as {"twilio/text": {"body": "Hello {{1}}"}}."""

    sid: str
    name: str
    language: str
    variables: dict[str, str]  # a sample for each place
    types: dict[str, Any]
    created_at: datetime

    @property
    def body(self) -> str:
        """Give the words of its first type that has any."""
        return next((str(one["body"]) for one in self.types.values() if one.get("body")), "")

    def resource(self, account_sid: str) -> dict[str, Any]:
        """Give the template in the shape of Twilio's Content API."""
        moment = f"{self.created_at:%Y-%m-%dT%H:%M:%SZ}"
        return {
            "sid": self.sid,
            "account_sid": account_sid,
            "friendly_name": self.name,
            "language": self.language,
            "variables": self.variables,
            "types": self.types,
            "date_created": moment,
            "date_updated": moment,
            "url": f"https://content.twilio.com/v1/Content/{self.sid}",
            "links": {},
        }


class Contents:
    """The templates of one sandbox; every method may be called from any thread. `now` gives naive UTC."""

    def __init__(self, kept: int, now: Callable[[], datetime]) -> None:
        self._kept = kept
        self._now = now
        self._contents: dict[str, Content] = {}
        self._lock = threading.Lock()

    def add(self, document: Any) -> Content | Refusal:
        """Take a template as POST /v1/Content brings it; the oldest goes when there are too many."""
        content = _read(document, self._now())
        if isinstance(content, Content):
            with self._lock:
                self._contents[content.sid] = content
                while len(self._contents) > self._kept:
                    del self._contents[next(iter(self._contents))]
        return content

    def get(self, sid: str) -> Content | None:
        """Give a template by its sid."""
        with self._lock:
            return self._contents.get(sid)

    def newest_first(self) -> list[Content]:
        """Give every template, the newest first."""
        with self._lock:
            return list(reversed(self._contents.values()))

    def refuse(self, request: CreateRequest) -> Refusal | None:
        """Refuse a message whose template is not here, or is not filled in as it wants."""
        if not request.content_sid:
            return Refusal(21656) if request.content_variables else None
        content = self.get(request.content_sid)
        if content is None:
            return Refusal(21655)
        variables = _variables(request.content_variables)
        if variables is None or len(_fill(content.body, variables)) > TEXT_LIMIT:
            return Refusal(21656)
        return None

    def text(self, request: CreateRequest) -> str:
        """Write the template of a request out; a place that is not filled in shows its sample."""
        content = self.get(request.content_sid)
        assert content is not None
        return _fill(content.body, content.variables | (_variables(request.content_variables) or {}))


def _read(document: Any, now: datetime) -> Content | Refusal:
    if not isinstance(document, dict):
        return Refusal(20400, "the body is no JSON object")
    types = document.get("types")
    if not isinstance(types, dict) or not types or not all(isinstance(one, dict) for one in types.values()):
        return Refusal(20001, "types")
    if not isinstance(document.get("language"), str):
        return Refusal(20001, "language")
    samples = document.get("variables") or {}
    if not isinstance(samples, dict):
        return Refusal(20001, "variables")
    return Content(
        sid=f"HX{uuid.uuid4().hex}",
        name=str(document.get("friendly_name") or ""),
        language=document["language"],
        variables={str(name): str(sample) for name, sample in samples.items()},
        types=types,
        created_at=now,
    )


def _variables(text: str) -> dict[str, str] | None:
    """Read ContentVariables: a JSON object of strings that are not empty, or None where it is not."""
    try:
        variables = json.loads(text or "{}")
    except ValueError:
        return None
    if not isinstance(variables, dict) or not all(isinstance(one, str) and one for one in variables.values()):
        return None
    return variables


def _fill(body: str, variables: dict[str, str]) -> str:
    return _PLACE.sub(lambda found: variables.get(found[1], found[0]), body)
