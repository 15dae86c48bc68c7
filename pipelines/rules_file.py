"""A file of rules that people keep: YAML, checked word by word, refused in sentences.

Who is whom, what to do next and how moods are read are such files. A home's own file replaces the shipped one as a whole,
so that what holds can be read in one place.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from data_contracts.errors import InputError
from data_contracts.places import Document

Rules = TypeVar("Rules", bound=BaseModel)
MOST_TOLD = 5  # faults of one file: whoever mends these reads it again
_KINDS = {  # what pydantic says in Python's words
    "tuple_type": "needs a list, such as [a, b]",
    "model_type": "needs keys with values, such as {a: b}",
    "dict_type": "needs keys with values, such as {a: b}",
}
_ADDRESS = re.compile(r"@|\d{6}")
LONGEST_SHOWN = 200  # characters of what somebody wrote


def read_rules_file(path: Path, kind: type[Rules]) -> Rules:
    """Read a file of one kind of rules.

    Raises InputError that names the file, each word in it that is wrong, and what would be legal.
    """
    document = _document(path)
    if not isinstance(document.values, dict):
        raise InputError(f"{path} holds no keys with values.", f"It may have {', '.join(_words(kind))}.")
    try:
        return kind.model_validate(document.values)
    except ValidationError as error:
        wrong = [_told(kind, document, each) for each in error.errors()]
    # Raised out here, for pydantic's error holds every frame that led to it, open warehouses among them, and no
    # garbage collector sees into it: as the context of ours it would keep them all until the process has ended.
    more = f"; and {len(wrong) - MOST_TOLD} more" if len(wrong) > MOST_TOLD else ""
    raise InputError(
        f"{path}: {'; '.join(wrong[:MOST_TOLD])}{more}.",
        "Nothing was changed. Mend the file; without it the shipped one holds.",
    )


def _document(path: Path) -> Document:
    try:
        return Document(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.", "Check the path.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        place, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        where = f" at line {place.line + 1}" if place else ""
        why = f": {shown(problem)}" if problem else ""
        raise InputError(f"{path} cannot be read as YAML{where}{why}.", "Mend it there.") from None


def home_rules_file(home: Path, shipped: Path) -> Path:
    """Give the file that holds in an installation: its own of that name in RAPPORT_HOME, else the shipped one."""
    own = home / shipped.name
    return own if own.exists() else shipped


def _told(kind: type[BaseModel], document: Document, error: Any) -> str:
    """Say one thing that is wrong: its place and line, what is wrong about it, and the value where that is one word."""
    parts = [part for part in error["loc"] if part != "[key]" and not _is_kind(part)]
    place = ".".join(shown(str(part)) for part in parts)
    line = f"line {document.line(error['loc'])}: " if place else ""
    if error["type"] == "extra_forbidden":
        return f"{line}{place} is no word of this file; legal there: {', '.join(_legal(kind, error['loc'][:-1]))}"
    message = _KINDS.get(error["type"]) or shown(str(error["msg"]).removeprefix("Value error, "))
    message = f"{message[:1].lower()}{message[1:]}{_value(error)}"
    return f"{line}{place}: {message}" if place else message


def _is_kind(part: int | str) -> bool:
    """Say whether a part of pydantic's place is the name of a type that it tried, and no word of the file."""
    return isinstance(part, str) and ("[" in part or part in {"bool", "int", "float", "str"})


def _value(error: Any) -> str:
    value = error["input"]
    if error["type"] in {"missing", "value_error"} or not isinstance(value, str | int | float | None):
        return ""
    if isinstance(value, str) and _ADDRESS.search(value):  # an identity policy blocks values of people
        return ""
    return f", and it is {shown(repr(value))}"


def shown(text: str) -> str:
    """Give what stands in a file on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_SHOWN else f"{line[:LONGEST_SHOWN]}…"


def _legal(kind: type[BaseModel], loc: Sequence[int | str]) -> list[str]:
    """Give the words that may stand at a place of the file."""
    for part in loc:
        field = {_word(name, each): each for name, each in kind.model_fields.items()}.get(str(part))
        kind = next(_models(field.annotation), kind) if field else kind
    return _words(kind)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Find the kinds of parts in a field's type, within lists, mappings and alternatives."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _words(kind: type[BaseModel]) -> list[str]:
    return [_word(name, field) for name, field in kind.model_fields.items()]


def _word(name: str, field: Any) -> str:
    return str(field.alias or name)
