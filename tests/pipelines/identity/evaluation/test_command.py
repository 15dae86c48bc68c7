"""`rapport identity evaluate`, from the files to the figures, through the models of the warehouse."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from data_contracts.errors import InputError, UsageError
from pipelines.identity.commands import app
from pipelines.identity.policy import SHIPPED

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


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["evaluate", *arguments])


def test_evaluate_prints_what_a_build_would_find(files: tuple[Path, Path]) -> None:
    records, truth = files
    result = run(str(records), "--truth", str(truth), "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["clusters"] == 5
    assert (found["right_pairs"], found["found_pairs"], found["true_pairs"]) == (3, 3, 4)
    assert (found["precision"], found["recall"]) == (1.0, 0.75)
    assert (found["merged_strangers"], found["split_people"]) == (0, 1)
    assert found["recall_ceiling"] == {"identifiers": 0.75, "attributes": 0.75}
    assert found["under_merges"]["causes"] == [{"cause": "nothing shared", "count": 1, "pairs": 1}]
    assert found["coverage"]["without_customer"] == 2


def test_errors_are_told_without_anybodys_address_unless_it_is_asked_for(files: tuple[Path, Path]) -> None:
    records, truth = files
    truth.write_text(truth.read_text().replace("web,7,di", "web,7,cy"))
    told = run(str(records), "--truth", str(truth), "--examples", "0").stdout
    assert "web/7 and web/6 are one person (cy)" in told
    assert "both have email (placeholder)" in told
    assert "noreply" not in told
    told = run(str(records), "--truth", str(truth), "--examples", "0", "--show-values").stdout
    assert "noreply@x.example" in told


def test_another_policy_gives_other_people(files: tuple[Path, Path], tmp_path: Path) -> None:
    records, truth = files
    strict = tmp_path / "strict.yaml"
    strict.write_text(
        SHIPPED.read_text().replace("phone: {priority: 4,", "phone: {priority: 4, links: false,")
    )
    result = run(str(records), "--truth", str(truth), "--policy", str(strict), "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["recall"] < 0.75
    assert "phone: may not link" in [each["cause"] for each in found["under_merges"]["causes"]]


def test_evaluate_refuses_files_that_have_no_record_in_common(files: tuple[Path, Path]) -> None:
    records, truth = files
    truth.write_text("source,source_record_id,person_id\nelsewhere,1,ann\n")
    result = run(str(records), "--truth", str(truth))
    assert isinstance(result.exception, InputError)
    assert "no record in common" in str(result.exception)


@pytest.mark.parametrize("option", ["--policy", "--truth"])
def test_a_file_that_is_not_there_is_named(files: tuple[Path, Path], option: str) -> None:
    records, truth = files
    result = run(str(records), "--truth", str(truth), option, "gone.file")
    assert isinstance(result.exception, InputError)
    assert "gone.file" in str(result.exception)


def test_a_region_without_a_numbering_plan_is_refused_before_anything_is_read(
    files: tuple[Path, Path],
) -> None:
    result = run(str(files[0]), "--truth", str(files[1]), "--region", "ZZ")
    assert isinstance(result.exception, UsageError)
    assert "'ZZ'" in str(result.exception)
