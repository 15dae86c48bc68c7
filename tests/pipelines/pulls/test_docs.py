"""docs/pulls.md names every key, and what it shows can be used."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from messaging.settings import Settings
from pipelines.pulls import files
from pipelines.pulls.files import load_pull, shipped_names

DOCUMENT = (Path(__file__).parents[3] / "docs" / "pulls.md").read_text()
MODELS = (
    files.SqlPull,
    files.RestPull,
    files.ImapPull,
    files.Client,
    files.Endpoint,
    files.Mailbox,
)


def keys_of(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def test_every_key_is_documented_and_every_documented_key_exists() -> None:
    documented = set(re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.MULTILINE))
    assert documented == set().union(*map(keys_of, MODELS)) | {files.USE, files.WITH}


def test_the_keys_of_a_sideload_are_explained() -> None:
    line = next(line for line in DOCUMENT.splitlines() if line.startswith("| `sideload` |"))
    assert [key for key in keys_of(files.Sideload) if f"`{key}`" not in line] == []


def test_every_shipped_pull_is_named() -> None:
    assert [name for name in shipped_names() if f"`{name}`" not in DOCUMENT] == []


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL))
def test_every_pull_that_is_shown_can_be_used(settings: Settings, text: str) -> None:
    folder = settings.home / "pulls"
    folder.mkdir(parents=True)
    (folder / "shown.yaml").write_text(text)
    pull = load_pull(settings, "shown")
    assert pull.cron
    assert yaml.safe_load(text)["every"] == pull.plan.every
