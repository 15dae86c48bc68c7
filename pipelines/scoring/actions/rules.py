"""What to do next for a customer: a file of rules that a marketer can read, checked against what the view promises.

The file (`next_best_actions.yaml`) is laid into dbt as a variable, and the last projection of customer_360 tries the
rules in order. A home's own file replaces the shipped one as a whole, so that what holds can be read in one place.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from data_contracts.contracts import published_contract
from data_contracts.model import Column
from pipelines.rules_file import home_rules_file, read_rules_file

SHIPPED = Path(__file__).with_name("next_best_actions.yaml")
VARIABLE = "next_best_actions"
VIEW = "customer_360"
MADE_BY_RULES = ("next_best_action", "next_best_action_reason")

Value = bool | int | float | str
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
_PLACE = re.compile(r"\{([^{}]*)\}")


class Condition(BaseModel):
    """One column of the view, and what it has to be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: Name
    is_: Value | None = Field(None, alias="is")
    in_: tuple[Value, ...] | None = Field(None, alias="in", min_length=1)
    at_least: int | float | Name | None = None
    at_most: int | float | Name | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        given = [each for each in (self.is_, self.in_, self.at_least, self.at_most) if each is not None]
        if len(given) != 1:
            raise ValueError("give one of is, in, at_least and at_most")
        return self

    def columns(self) -> list[str]:
        """Name the columns that it reads."""
        return [self.column, *(each for each in (self.at_least, self.at_most) if isinstance(each, str))]

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


class Action(BaseModel):
    """What to do, for whom (all conditions hold), and the reason to tell."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: Name
    title: str = Field(min_length=1, max_length=60)
    when: tuple[Condition, ...] = ()
    reason: str = Field(min_length=1, max_length=300)

    def columns(self) -> list[str]:
        """Name the columns that it reads."""
        return [*(name for each in self.when for name in each.columns()), *_PLACE.findall(self.reason)]

    def to_variable(self, view: Mapping[str, Column]) -> dict[str, Any]:
        """Give it as the macro reads it: the reason in pieces, text and columns in turn."""
        pieces = [
            {"text": piece}
            if place % 2 == 0
            else {"column": piece, "is_time": view[piece].type == "TIMESTAMP"}
            for place, piece in enumerate(_PLACE.split(self.reason))
            if piece
        ]
        return {"action": self.action, "when": [each.to_sql_parts() for each in self.when], "reason": pieces}


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
