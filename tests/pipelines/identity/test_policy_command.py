"""`rapport identity policy`: the rules that hold, and a file that is wrong refused in one sentence."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from data_contracts.errors import InputError
from pipelines.identity.commands import app
from pipelines.identity.policy import SHIPPED, load_policy

SHIPPED_TEXT = SHIPPED.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAPPORT_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)  # no .env of the checkout
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["policy", *words])


def lacking(word: str) -> str:
    return "".join(
        line for line in SHIPPED_TEXT.splitlines(keepends=True) if not line.startswith(f"  {word}:")
    )


def test_without_a_file_of_its_own_a_home_follows_the_shipped_policy() -> None:
    found = json.loads(run("--json").stdout)
    assert (found["file"], found["is_shipped"], found["holds"]) == (str(SHIPPED), True, True)
    assert found["fingerprint"] == load_policy().fingerprint


def test_a_homes_own_file_holds_instead_and_each_kind_of_identifier_is_told_the_strongest_first(
    home: Path,
) -> None:
    (home / "identity.yaml").write_text(
        SHIPPED_TEXT.replace("per_person: 8", "per_person: 3"), encoding="utf-8"
    )
    lines = run().stdout.splitlines()
    assert "identity.yaml holds, instead of the policy that Rapport brings." in " ".join(lines)
    told = [line.split()[1] for line in lines if line.startswith("  ")]
    assert told == list(load_policy().by_priority())
    assert any("email" in line and "at most 3 a person" in line for line in lines)


def test_a_file_may_be_tried_before_it_holds(home: Path) -> None:
    tried = home / "stricter.yaml"
    tried.write_text(SHIPPED_TEXT, encoding="utf-8")
    assert "can be used" in run(str(tried)).stdout
    assert json.loads(run(str(tried), "--json").stdout)["holds"] is False


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (lacking("phone"), "identity.yaml: identifiers lacks phone, and every type needs its line."),
        (
            SHIPPED_TEXT.replace("blocked: []", "blokced: []"),
            "blokced is no word of this file (did you mean blocked?); legal there: identif",
        ),
        (
            SHIPPED_TEXT.replace("priority: 4,", "priority: 1,"),
            "identity.yaml: two identifiers have one priority",
        ),
        ("identifiers: {a: [\n", "identity.yaml cannot be read as YAML at line 2: "),
        ("", "identity.yaml holds no keys with values."),
    ],
)
def test_a_wrong_policy_is_refused_in_one_sentence_that_holds_on_to_nothing(
    home: Path, text: str, said: str
) -> None:
    (home / "identity.yaml").write_text(text, encoding="utf-8")
    result = run()
    assert (result.exit_code, result.stdout) == (1, "")
    assert isinstance(result.exception, InputError)
    assert said in str(result.exception)
    cause = result.exception.__context__
    assert cause is None or "pydantic" not in type(cause).__module__, "it would keep open warehouses open"
