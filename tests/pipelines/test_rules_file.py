"""A file of rules is refused in sentences that name the word, the place and what is legal there."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data_contracts.errors import InputError
from pipelines.rules_file import home_rules_file, read_rules_file


class Step(BaseModel):
    """A part of a file of rules."""

    model_config = ConfigDict(extra="forbid")

    is_: int | None = Field(None, alias="is", ge=1)
    otherwise: str | None = None


class Plan(BaseModel):
    """A whole file of rules."""

    model_config = ConfigDict(extra="forbid")

    version: int
    steps: tuple[Step, ...] = ()
    by_name: dict[str, Step] = {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version: 1\nsteps: {]", "cannot be read as YAML at line 2: "),
        ("just words", "holds no keys with values. It may have version, steps, by_name"),
        ("version: 1\nstep: 2", "line 2: step is no word of this file; legal there: version, steps, by_name"),
        ("version: 1\nsteps: [{are: 1}]", "steps.0.are is no word of this file; legal there: is, otherwise"),
        (
            "version: 1\nby_name: {first: {are: 1}}",
            "by_name.first.are is no word of this file; legal there: is, otherwise",
        ),
        (
            "version: 1\nsteps: [{is: 0}]",
            "steps.0.is: input should be greater than or equal to 1, and it is 0",
        ),
        ("steps: []", "version: field required"),
    ],
)
def test_what_is_wrong_is_named_with_what_would_be_legal(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_rules_file(path, Plan)
    assert told in str(caught.value)
    assert not isinstance(caught.value.__context__, ValidationError), "it holds every frame that led to it"


@pytest.mark.parametrize("value", ["ann@example.com", "+44 7700900123"])
def test_a_wrong_value_that_may_be_somebodys_address_is_not_told(value: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(f"version: {value}")
    with pytest.raises(InputError, match="line 1: version: input should be a valid integer") as caught:
        read_rules_file(path, Plan)
    assert value not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        read_rules_file(tmp_path / "plan.yaml", Plan)


def test_a_homes_own_file_holds_instead_of_the_shipped_one(tmp_path: Path) -> None:
    shipped = tmp_path / "shipped" / "plan.yaml"
    assert home_rules_file(tmp_path, shipped) == shipped
    (tmp_path / "plan.yaml").write_text("version: 2")
    assert read_rules_file(home_rules_file(tmp_path, shipped), Plan).version == 2
