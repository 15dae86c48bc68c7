"""A YAML file that people keep: checked word by word, refused in one sentence with its line and what is legal there.

Rules, pulls, trained parameters, campaigns, heads of templates, quiet hours and decisions are such files; places.py reads
the YAML, and what is told of it is made here, so that a slip reads alike wherever it stands.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from data_contracts.errors import InputError, RapportError
from data_contracts.places import Document, DuplicateKeyError, Place

Model = TypeVar("Model", bound=BaseModel)
MOST_TOLD = 5  # faults of one file: whoever mends these reads it again
RULES_MEND = "Nothing was changed. Mend the file; without it the shipped one holds."
_KINDS = {  # what pydantic says in Python's words
    "tuple_type": "needs a list, such as [a, b]",
    "list_type": "needs a list, such as [a, b]",
    "model_type": "needs keys with values, such as {a: b}",
    "dict_type": "needs keys with values, such as {a: b}",
    "string_type": "needs a text: put it in quotes",
}
_TYPES = {"bool", "int", "float", "str", "date", "datetime"}
_ADDRESS = re.compile(r"@|\d{6}")
LONGEST_SHOWN = 200  # characters of what somebody wrote
# A name, or a count of something; a password, an address or a number is none.
_NAME = re.compile(r"(\d{1,4} )?[a-z]+(_[a-z]+)*")
_HIDDEN = "(not shown)"
_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")


class YamlFile:
    """A text as somebody wrote it: what it holds, and how it is refused.

    `name` stands before what is wrong, as `error` says it, with `mend` behind it. `above` counts the lines that stand
    before the text in its file. Where `private`, a value may be a secret or somebody's words, and is never told; a key only
    where it looks like a name.

    Raises `error` where the text is no YAML.
    """

    def __init__(  # noqa: PLR0913 how a kind of file is told
        self,
        name: str,
        text: str,
        error: type[RapportError] = InputError,
        mend: str = "Mend it there.",
        *,
        above: int = 0,
        private: bool = False,
    ) -> None:
        self.name, self.error, self.mend, self.above, self.private = name, error, mend, above, private
        try:
            self.document = Document(text)
        except yaml.YAMLError as fault:
            place, problem = getattr(fault, "problem_mark", None), getattr(fault, "problem", None)
            # libyaml names the line after the last where something never ends
            where = f" at line {min(place.line, text.count(chr(10))) + 1 + above}" if place else ""
            why = f": {self._problem(fault, str(problem or fault))}"
        else:
            return
        raise error(f"{name} cannot be read as YAML{where}{why}.", mend)

    @property
    def values(self) -> Any:
        """Give what the file holds."""
        return self.document.values

    def _problem(self, fault: yaml.YAMLError, problem: str) -> str:
        if isinstance(fault, DuplicateKeyError):
            problem = f"the key {self.word(fault.key)} stands twice"
        return shown(_QUOTED.sub(_HIDDEN, problem) if self.private else problem)

    def word(self, text: str) -> str:
        """Give a word of the file for a sentence, unless the file is private and the word looks like no name."""
        return name_or_hidden(text) if self.private else shown(text)

    def line(self, place: Place) -> int:
        """Give the line of a place in the file, counted from 1."""
        return self.document.line(place) + self.above

    def refuse(self, place: Place, what: str, mend: str = "") -> NoReturn:
        """Refuse the file; `what` is a clause about the place."""
        raise self.error(f"{self.name}: line {self.line(place)}: {what}.", mend or self.mend)

    def checked(self, kind: type[Model], values: Any = None) -> Model:
        """Give what the file holds as a model, or `values` that were made of it.

        Raises the file's error with each word that is wrong, and what would be legal.
        """
        found = self.values if values is None else values
        if not isinstance(found, dict):
            raise self.error(
                f"{self.name} holds no keys with values.", f"It may have {', '.join(_words(kind))}."
            )
        try:
            return kind.model_validate(found)
        except ValidationError as error:
            wrong = list(dict.fromkeys(self._told(kind, each) for each in error.errors()))
        # Raised out here, for pydantic's error holds every frame that led to it, open warehouses among them, and no
        # garbage collector sees into it: as the context of ours it would keep them all until the process has ended.
        more = f"; and {len(wrong) - MOST_TOLD} more" if len(wrong) > MOST_TOLD else ""
        raise self.error(f"{self.name}: {'; '.join(wrong[:MOST_TOLD])}{more}.", self.mend)

    def _told(self, kind: type[BaseModel], error: Any) -> str:
        """Say one thing that is wrong: its place and line, what is wrong about it, and the value where that is one word."""
        parts = [part for part in error["loc"] if part != "[key]" and not _is_kind(part)]
        place = ".".join(str(part) if isinstance(part, int) else self.word(part) for part in parts)
        line = f"line {self.line(error['loc'])}: " if place else ""
        if error["type"] == "extra_forbidden":
            legal = _legal(kind, error["loc"][:-1])
            near = get_close_matches(str(error["loc"][-1]), legal, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            return f"{line}{place} is no word of this file{hint}; legal there: {', '.join(legal)}"
        message = _KINDS.get(error["type"]) or shown(str(error["msg"]).removeprefix("Value error, "))
        message = f"{message[:1].lower()}{message[1:]}{'' if self.private else _value(error)}"
        return f"{line}{place}: {message}" if place else message


def read_yaml_file(
    path: Path,
    error: type[RapportError] = InputError,
    mend: str = "Mend it there.",
    *,
    name: str = "",
    private: bool = False,
) -> YamlFile:
    """Read a file, which is named by its path or as `name`. Raises `error` where there is none, or it is no YAML."""
    name = name or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise error(f"There is no file {path}.", "Check the path.") from None
    except UnicodeDecodeError:
        raise error(f"{name} cannot be read as YAML: it is no text in UTF-8.", "Save it as that.") from None
    except OSError as fault:
        raise error(
            f"{name} cannot be read: {fault.strerror}.", "Check the path and who may read it."
        ) from None
    return YamlFile(name, text, error, mend, private=private)


def read_rules_file(path: Path, kind: type[Model]) -> Model:
    """Read a file of one kind of rules.

    Raises InputError that names the file, each word in it that is wrong, and what would be legal.
    """
    return read_yaml_file(path, mend=RULES_MEND).checked(kind)


def home_rules_file(home: Path, shipped: Path) -> Path:
    """Give the file that holds in an installation: its own of that name in RAPPORT_HOME, else the shipped one."""
    own = home / shipped.name
    return own if own.exists() else shipped


def _is_kind(part: int | str) -> bool:
    """Say whether a part of pydantic's place is the name of a type that it tried, and no word of the file."""
    return isinstance(part, str) and ("[" in part or part in _TYPES)


def _value(error: Any) -> str:
    value = error["input"]
    if error["type"] in {"missing", "value_error"} or not isinstance(value, str | int | float | None):
        return ""
    if isinstance(value, str) and _ADDRESS.search(value):  # an identity policy blocks values of people
        return ""
    return f", and it is {shown(repr(value))}"


def name_or_hidden(text: str) -> str:
    """Give a word that looks like a name or a count of something; of any other only that it is not shown."""
    return shown(text) if _NAME.fullmatch(text) else _HIDDEN


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
