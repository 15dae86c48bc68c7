"""A file of rules that people keep: YAML, checked word by word, refused in sentences.

Who is whom, what to do next and how moods are read are such files. A home's own file replaces the shipped one as a whole,
so that what holds can be read in one place.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from data_contracts.errors import InputError

Rules = TypeVar("Rules", bound=BaseModel)


def read_rules_file(path: Path, kind: type[Rules]) -> Rules:
    """Read a file of one kind of rules.

    Raises InputError that names the file, each word in it that is wrong, and what would be legal.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.", "Check the path.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        place = getattr(error, "problem_mark", None)
        where = f" at line {place.line + 1}" if place else ""
        raise InputError(f"{path} cannot be read as YAML{where}.", "Mend it there.") from None
    if not isinstance(document, dict):
        raise InputError(f"{path} holds no keys with values.", f"It may have {', '.join(_words(kind))}.")
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        wrong = "; ".join(_told(kind, each) for each in error.errors())
    # Raised out here, for pydantic's error holds every frame that led to it, open warehouses among them, and no
    # garbage collector sees into it: as the context of ours it would keep them all until the process has ended.
    raise InputError(
        f"{path}: {wrong}.", "Nothing was changed. Mend the file; without it the shipped one holds."
    )


def home_rules_file(home: Path, shipped: Path) -> Path:
    """Give the file that holds in an installation: its own of that name in RAPPORT_HOME, else the shipped one."""
    own = home / shipped.name
    return own if own.exists() else shipped


def _told(kind: type[BaseModel], error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"] if part != "[key]")
    if error["type"] == "extra_forbidden":
        return f"{place} is no word of this file; legal there: {', '.join(_legal(kind, error['loc'][:-1]))}"
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{place}: {message[:1].lower()}{message[1:]}" if place else message


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
