"""A file of rules is refused in sentences that name the word, the place and what is legal there."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data_contracts.errors import InputError, SettingsError
from data_contracts.places import MOST_LEVELS
from data_contracts.yaml_files import YamlFile, home_rules_file, read_rules_file


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
        (
            "version: 1\nstep: 2",
            "line 2: step is no word of this file (did you mean steps?); legal there: version, steps, by_name",
        ),
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


BOMB = "a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" + "".join(
    f"{name}: &{name} [{', '.join(9 * [f'*{before}'])}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version: 2026-13-45", "cannot be read as YAML at line 1: what stands there is no timestamp."),
        ("version: 1\n\tsteps: []", "cannot be read as YAML at line 2: found a tab character that violates indentation."),
        ("version: 1\nversion: 2", "cannot be read as YAML at line 2: the key version stands twice."),
        (BOMB, "cannot be read as YAML at line 1: its aliases repeat more than 10,000 values."),
        ("version: &a [*a]", "cannot be read as YAML at line 1: an alias stands inside what it names."),
        ("version: [", "cannot be read as YAML at line 1: "),
        ('version: "\\0"', "cannot be read as YAML at line 1: a text holds a control character"),
    ],
)  # fmt: skip
def test_what_no_reader_can_take_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        YamlFile("plan.yaml", text, SettingsError, "Mend it.")
    assert str(caught.value).startswith(f"plan.yaml {told}")
    assert caught.value.mend == "Mend it."


@pytest.mark.parametrize(
    "deep",
    [
        30_000 * "[" + 30_000 * "]",
        30_000 * "[",
        30_000 * "{a: ",
        28_000 * "- " + "x",
        28_000 * "? " + "x",
        "\n".join(f"{level * ' '}- a:" for level in range(0, 800, 2)),
        "\r".join(f"{level * ' '}a:" for level in range(400)),
    ],
)
def test_a_file_of_many_levels_is_refused_in_a_sentence_and_ends_no_process(deep: str) -> None:
    """In a process of its own: libyaml recurses on the C stack, and what fills it takes the tests along."""
    program = (
        "import sys\nfrom data_contracts.yaml_files import YamlFile\n"
        "try: YamlFile('plan.yaml', '# steps\\n' + sys.stdin.buffer.read().decode())\n"
        "except Exception as error: print(error)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], input=deep.encode(), capture_output=True, check=True
    )
    told = ended.stdout.decode()
    assert told.startswith("plan.yaml cannot be read as YAML at line ")
    assert "its brackets and indents go deeper than 100 levels" in told


def test_as_many_levels_as_are_allowed_are_read() -> None:
    text = MOST_LEVELS * "[" + MOST_LEVELS * "]"
    assert YamlFile("plan", text).values
    with pytest.raises(InputError, match="line 1: its brackets and indents go deeper than 100 levels"):
        YamlFile("plan", f"[{text}]")


def test_many_shallow_brackets_and_long_rows_of_dashes_are_read() -> None:
    text = f"steps: [{', '.join(500 * ['[a, {b: c}]'])}]\nrule: |\n  {300 * '-'}"
    assert len(YamlFile("plan", text).values["steps"]) == 500


def test_aliases_that_people_write_are_followed() -> None:
    text = "usual: &usual {is: 1}\nsteps: [*usual, *usual, {<<: *usual, otherwise: x}]"
    assert YamlFile("plan.yaml", text).values["steps"] == [
        {"is": 1},
        {"is": 1},
        {"is": 1, "otherwise": "x"},
    ]


def test_lines_are_those_of_the_file_where_the_text_stands_below_others() -> None:
    with pytest.raises(InputError, match="plan: line 5: version: field required"):
        YamlFile("plan", "steps: []\nstep: 1", above=4).checked(Plan)
    with pytest.raises(InputError, match=r"plan cannot be read as YAML at line 6"):
        YamlFile("plan", "steps: []\nsteps: 1", above=4)


def test_a_private_value_is_never_told() -> None:
    with pytest.raises(InputError, match=r"line 1: version: input should be a valid integer.*\.") as caught:
        YamlFile("plan", "version: hunter2", private=True).checked(Plan)
    assert "hunter2" not in str(caught.value)


SECRETS = ["Sommer2026", "anna.lee@example.com", "07700900123", "anna lee"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{0}: 1\n{0}: 2", "at line 2: the key (not shown) stands twice."),
        (
            "steps:\n- '{0}': 1",
            "line 2: steps.0.(not shown) is no word of this file; legal there: is, otherwise.",
        ),
        ("by_name:\n  ? {0}\n  : 1", "line 2: by_name.(not shown): needs keys with values"),
        ("version: !<{0}> x", "at line 1: "),
        ("version: *{0}", "at line 1: "),
    ],
)
def test_a_key_or_a_tag_of_a_private_file_is_told_only_where_it_looks_like_a_name(
    text: str, told: str, secret: str
) -> None:
    with pytest.raises(InputError) as caught:
        YamlFile("plan", text.format(secret), private=True).checked(Plan)
    assert told in str(caught.value)
    assert secret not in str(caught.value)


def test_a_tag_that_nobody_knows_is_told_with_its_line_alone() -> None:
    with pytest.raises(
        InputError, match=r"at line 2: what stands there has a tag that none here knows\."
    ) as caught:
        YamlFile("plan", "steps: []\nversion: !Sommer 1")
    assert "Sommer" not in str(caught.value)


def test_a_key_of_a_private_file_that_looks_like_a_name_is_told() -> None:
    with pytest.raises(InputError, match=r"line 1: stepz is no word of this file \(did you mean steps\?\)"):
        YamlFile("plan", "stepz: 1", private=True).checked(Plan)
    with pytest.raises(InputError, match="the key by_name stands twice"):
        YamlFile("plan", "by_name: 1\nby_name: 2", private=True)


@pytest.mark.parametrize(("content", "told"), [(b"\xff\xfe", "no text in UTF-8"), (None, "cannot be read: ")])
def test_a_file_that_cannot_be_read_is_told(content: bytes | None, told: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match=told):
        read_rules_file(path, Plan)
