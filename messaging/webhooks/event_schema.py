"""What an event that is posted has to look like: JSON Schema, made of the contract of `events`.

Only what would set a row aside is asked for here; the contract's warnings are judged where the events land.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from data_contracts.contracts import load_contract
from data_contracts.model import Column

TABLE = "events"
OURS = (
    "source",
    "source_record_id",
    "received_at",
    "event_id",
    "raw_record",
)  # columns that we fill ourselves
ID_LENGTH = 400  # of 500 characters of a record id, so that a prefix has room
AHEAD = timedelta(hours=24)  # as the contract bounds it
EARLIEST = datetime(1970, 1, 2)


@cache
def schema() -> Mapping[str, Any]:
    """Give the schema of one event."""
    contract = load_contract(TABLE)
    own = {column.name: _property(column) for column in contract.columns if column.name not in OURS}
    required = [column.name for column in contract.columns if column.required and column.name not in OURS]
    together: dict[str, list[str]] = {}
    for rule in contract.cross_rules:
        present = [one.column for one in rule.where if one.state == "present"]
        if rule.check == "present" and rule.severity == "critical" and present:
            together.setdefault(present[0], []).extend(rule.columns)
    message_id = {
        "type": "string",
        "minLength": 1,
        "maxLength": ID_LENGTH,
        "description": "Your own id of this event: the same one again counts once.",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": contract.purpose,
        "type": "object",
        "properties": {"message_id": message_id} | own,
        "required": ["message_id", *(name for name in required if name != "occurred_at")],
        "dependentRequired": together,
        "additionalProperties": False,
    }


def problems(event: Any, now: datetime) -> Iterator[tuple[str, str]]:
    """Say what is wrong with an event, as field and sentence, without its values; nothing where it is right."""
    for error in _validator().iter_errors(event):
        yield _field(error), _sentence(error)
    if isinstance(event, dict) and isinstance(event.get("occurred_at"), str):
        wrong = _wrong_time(event["occurred_at"], now)
        if wrong:
            yield "occurred_at", wrong


def moment_of(text: str) -> datetime | None:
    """Read a time with its offset as naive UTC; None where it is none, or has no offset."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _wrong_time(text: str, now: datetime) -> str:
    moment = moment_of(text)
    if moment is None:
        return "it should be a time with its offset from UTC, such as 2026-10-30T12:00:00Z"
    if moment > now + AHEAD:
        return "it lies more than a day ahead"
    return "it lies before 2 January 1970" if moment < EARLIEST else ""


@cache
def _validator() -> Any:
    return Draft202012Validator(schema())


def _property(column: Column) -> dict[str, Any]:
    told: dict[str, Any] = {"description": column.description}
    if column.name == "properties":
        return told | {"type": "object"}
    if column.type == "BIGINT":
        return told | {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
    told["type"] = "string"
    if column.type == "TIMESTAMP":
        return told | {"format": "date-time"}
    for rule in column.rules:
        if rule.severity != "critical":
            continue
        if rule.check == "pattern":
            told["pattern"] = rf"^(?:{rule.pattern})$(?!\n)"  # Python's $ lets a line break pass
        if rule.check == "length":
            bounds = {"minLength": rule.minimum, "maxLength": rule.maximum}
            told |= {name: bound for name, bound in bounds.items() if bound is not None}
    return told


def _field(error: Any) -> str:
    path = [str(part) for part in error.absolute_path]
    if error.validator == "required":
        path.append(next((name for name in error.validator_value if name not in error.instance), ""))
    return ".".join(path)


def _sentence(error: Any) -> str:
    """Say what a rule asks for, without the value that breaks it."""
    asked = error.validator_value
    sentences = {
        "type": f"it should be of type {asked}",
        "required": "it is missing",
        "pattern": "its form is another",
        "minLength": "it is too short",
        "maxLength": f"it is longer than {asked} characters",
        "minimum": "it is too small",
        "maximum": "it is too large",
        "dependentRequired": "an amount means nothing without its currency",
        "additionalProperties": "it has fields that events do not have: put them into properties",
    }
    return sentences.get(error.validator, "it is not as the schema asks")
