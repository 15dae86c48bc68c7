"""`rapport identity evaluate`, from the files to the figures, through the models of the warehouse."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data_contracts.errors import InputError
from pipelines.identity.commands import app

RECORDS = """\
source,source_record_id,email,phone,country
crm,1,Ann.Lee@gmail.com,,
crm,2,annlee+shop@googlemail.com,07700 900001,GB
web,3,,+44 7700 900001,
web,4,bob@x.example,,
web,5,bob@y.example,,
web,6,noreply@x.example,,
web,7,noreply@x.example,,
"""
TRUTH = "source,source_record_id,person_id\n" + "".join(
    f"{source},{record},{person}\n"
    for source, record, person in [
        ("crm", 1, "ann"), ("crm", 2, "ann"), ("web", 3, "ann"), ("web", 4, "bob"), ("web", 5, "bob"),
        ("web", 6, "cy"), ("web", 7, "di"),
    ]
)  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    records, truth = tmp_path / "records.csv", tmp_path / "truth.csv"
    records.write_text(RECORDS)
    truth.write_text(TRUTH)
    return records, truth


def test_evaluate_prints_what_a_build_would_find(files: tuple[Path, Path]) -> None:
    records, truth = files
    result = CliRunner().invoke(app, ["evaluate", str(records), "--truth", str(truth), "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["clusters"] == 5
    assert (found["right_pairs"], found["found_pairs"], found["true_pairs"]) == (3, 3, 4)
    assert (found["precision"], found["recall"]) == (1.0, 0.75)
    assert (found["merged_strangers"], found["split_people"]) == (0, 1)


def test_evaluate_refuses_files_that_have_no_record_in_common(files: tuple[Path, Path]) -> None:
    records, truth = files
    truth.write_text("source,source_record_id,person_id\nelsewhere,1,ann\n")
    result = CliRunner().invoke(app, ["evaluate", str(records), "--truth", str(truth)])
    assert isinstance(result.exception, InputError)
    assert "no record in common" in str(result.exception)
