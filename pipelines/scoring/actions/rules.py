"""What to do next for a customer: a file of rules that a marketer can read, checked against what the view promises.

The file (`next_best_actions.yaml`) is laid into dbt as a variable, and the last projection of customer_360 tries the
rules in order. A home's own file replaces the shipped one as a whole, so that what holds can be read in one place.
"""

import re
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from data_contracts.contracts import published_contract
from data_contracts.model import Column
from data_contracts.yaml_files import home_rules_file, read_rules_file, shown

SHIPPED = Path(__file__).with_name("next_best_actions.yaml")
VARIABLE = "next_best_actions"
VIEW = "customer_360"
MADE_BY_RULES = ("next_best_action", "next_best_action_reason")

NUMBERS = ("BIGINT", "INTEGER", "DOUBLE")
TIMES = ("TIMESTAMP", "DATE")
LARGEST = 2**53  # whole numbers beyond it are not exact in every column


def _is_number(written: Any) -> bool:
    if isinstance(written, bool) or not isinstance(written, int | float):
        return False
    return bool(-LARGEST <= written <= LARGEST)  # so neither .inf nor .nan


def _value(written: Any) -> Any:
    """Let through what a column can be; pydantic would tell of each type that it is not."""
    if not isinstance(written, bool | str) and not _is_number(written):
        raise ValueError(
            f"needs a word, a finite number of at most 16 digits, true or false, not {reprlib.repr(written)}"
        )
    return written


def _bound(written: Any) -> Any:
    """Let through a number, or a word that may name a column."""
    if not _is_number(written) and not (isinstance(written, str) and re.fullmatch(NAME, written)):
        raise ValueError(
            f"needs a finite number of at most 16 digits or the name of a column, not {reprlib.repr(written)}"
        )
    return written


NAME = r"[a-z][a-z0-9_]*"
Value = Annotated[bool | int | float | str, BeforeValidator(_value)]
Bound = Annotated[int | float | str, BeforeValidator(_bound)]
Name = Annotated[str, Field(pattern=rf"^{NAME}$")]
_PLACE = re.compile(r"\{([^{}]*)\}")  # {column}, or {column:noun} for 1 noun and 2 nouns


class Condition(BaseModel):
    """One column of the view, and what it has to be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: Name
    is_: Value | None = Field(None, alias="is")
    in_: tuple[Value, ...] | None = Field(None, alias="in", min_length=1)
    at_least: Bound | None = None
    at_most: Bound | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        given = [each for each in (self.is_, self.in_, self.at_least, self.at_most) if each is not None]
        if len(given) != 1:
            raise ValueError("give one of is, in, at_least and at_most")
        return self

    def columns(self) -> list[str]:
        """Name the columns that it reads."""
        return [self.column, *(each for each in (self.at_least, self.at_most) if isinstance(each, str))]

    def misfit(self, view: Mapping[str, Column]) -> str:
        """Say why the column can never be what is asked of it; nothing where it can."""
        kind = view[self.column].type
        bound = self.at_least if self.at_least is not None else self.at_most
        if bound is not None:
            return _bound_misfit(self.column, kind, bound, view)
        if self.is_ in ("known", "unknown"):
            return ""
        values = self.in_ if self.in_ is not None else (self.is_,)
        wrong = [each for each in values if not _fits(kind, each)]
        return f"{self.column} is {_LEGAL[kind]}, and so never {reprlib.repr(wrong[0])}" if wrong else ""

    def to_sql_parts(self) -> dict[str, Any]:
        """Give it as the macro `next_best_action` reads it; columns are named, values are quoted there."""
        for name, bound in (("at_least", self.at_least), ("at_most", self.at_most)):
            if bound is not None:
                told = f"known.{bound}" if isinstance(bound, str) else str(bound)
                return {"column": self.column, "test": name, "bound": told}
        if self.is_ in {"known", "unknown"} and isinstance(self.is_, str):
            return {"column": self.column, "test": self.is_}
        values = self.in_ if self.in_ is not None else (self.is_,)
        return {"column": self.column, "test": "in", "values": list(values)}


_LEGAL = {
    "VARCHAR": "a word",
    "BOOLEAN": "true or false",
    **dict.fromkeys(NUMBERS, "a number"),
    **dict.fromkeys(TIMES, "a moment, which can be known, unknown, or at_least or at_most another moment"),
}


def _fits(kind: str, value: Any) -> bool:
    if kind in NUMBERS:
        return _is_number(value)
    return isinstance(value, {"VARCHAR": str, "BOOLEAN": bool}.get(kind, ()))


def _bound_misfit(column: str, kind: str, bound: float | str, view: Mapping[str, Column]) -> str:
    if kind not in (*NUMBERS, *TIMES):
        return f"{column} is {_LEGAL[kind]}, which has no more and no less: say what it is, or what it is in"
    other = view[bound].type if isinstance(bound, str) else "DOUBLE"
    group = NUMBERS if kind in NUMBERS else TIMES
    return "" if other in group else f"{column} is {_LEGAL[kind]} and cannot be compared with {bound}"


class Action(BaseModel):
    """What to do, for whom (all conditions hold), and the reason to tell."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: Name
    title: str = Field(min_length=1, max_length=60)
    when: tuple[Condition, ...] = ()
    reason: str = Field(min_length=1, max_length=300)

    def columns(self) -> list[str]:
        """Name the columns that it reads."""
        return [
            *(name for each in self.when for name in each.columns()),
            *(place.partition(":")[0] for place in _PLACE.findall(self.reason)),
        ]

    def to_variable(self, view: Mapping[str, Column]) -> dict[str, Any]:
        """Give it as the macro reads it: the reason in pieces, text and columns in turn."""
        pieces = [
            {"text": piece} if place % 2 == 0 else _told(piece, view)
            for place, piece in enumerate(_PLACE.split(self.reason))
            if piece
        ]
        return {"action": self.action, "when": [each.to_sql_parts() for each in self.when], "reason": pieces}


def _told(place: str, view: Mapping[str, Column]) -> dict[str, Any]:
    column, _, noun = place.partition(":")
    return {"column": column, "is_time": view[column].type == "TIMESTAMP", "noun": noun}


class Actions(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(ge=1)
    actions: tuple[Action, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _readable(self) -> Self:
        view = _view()
        for rule in self.actions:
            for name in rule.columns():
                if name not in view:
                    raise ValueError(
                        f"{rule.action}: customer_360 has no column {name!r} that a rule can read"
                    )
            for place in _PLACE.findall(rule.reason):
                column, colon, noun = place.partition(":")
                if colon and (view[column].type not in NUMBERS or not re.fullmatch(r"[^\W\d_]+", noun)):
                    raise ValueError(
                        f"{rule.action}: {{{shown(place)}}} in the reason has to be a number's column and a noun,"
                        " such as {order_count:order}"
                    )
            misfits = [misfit for each in rule.when if (misfit := each.misfit(view))]
            if misfits:
                raise ValueError(f"{rule.action}: {misfits[0]}")
        if any(not rule.when for rule in self.actions[:-1]):
            raise ValueError("a rule without conditions stands last, for no rule after it is ever tried")
        return self

    def to_variables(self) -> dict[str, Any]:
        """Give the rules as dbt's variable."""
        view = _view()
        return {VARIABLE: [rule.to_variable(view) for rule in self.actions]}


def _view() -> dict[str, Column]:
    """Give the columns that a rule can read: those that are no trait and not made by the rules."""
    columns = published_contract(VIEW).columns
    return {each.name: each for each in columns if not each.trait and each.name not in MADE_BY_RULES}


def load_actions(path: Path = SHIPPED) -> Actions:
    """Read a file of rules; without one, the shipped one. Raises InputError that names what is wrong in it."""
    return read_rules_file(path, Actions)


def home_actions(home: Path) -> Actions:
    """Read the rules of an installation: its own file where it has one, else the shipped ones."""
    return load_actions(home_rules_file(home, SHIPPED))
