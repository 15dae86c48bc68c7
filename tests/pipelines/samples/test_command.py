"""`rapport sample` makes the company, and refuses what makes no sense in a sentence."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data_contracts.errors import UsageError
from pipelines.samples.command import app, sample


def test_it_prints_one_json_document_about_the_files(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["--people", "100", "--seed", "4", "--out", str(tmp_path / "new"), "--json"]
    )
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["people"] == 100
    assert len(document["files"]) == 19
    assert all(Path(file["path"]).exists() for file in document["files"])


def test_it_tells_a_person_where_the_truth_lies(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--people", "120", "--out", str(tmp_path)])
    assert result.exit_code == 0
    assert "truth" in result.stdout


@pytest.mark.parametrize("people", [0, -3, 99, 10_000_000])
def test_a_company_has_enough_customers_for_every_source_and_fits_into_memory(
    people: int, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="--people"):
        sample(people, 7, tmp_path, as_json=True)


def test_it_writes_over_an_older_sample_but_over_nothing_else(tmp_path: Path) -> None:
    sample(100, 7, tmp_path / "mine", as_json=True)
    sample(100, 8, tmp_path / "mine", as_json=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="no sample"):
        sample(100, 7, tmp_path / "other", as_json=True)
