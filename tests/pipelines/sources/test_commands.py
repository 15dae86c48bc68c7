"""`rapport ingest`, `quarantine` and `contract` as people and scripts use them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from data_contracts.contracts import FOLDER
from data_contracts.errors import NotFoundError, UsageError
from pipelines.sources.commands import app

HEADER = (
    "record_id,occurred_at,external_id,email,phone,channel,purpose,action,legal_basis,method,wording,locale\n"
)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAPPORT_HOME", str(tmp_path / "home"))


@pytest.fixture
def consents(tmp_path: Path) -> Path:
    path = tmp_path / "consents.csv"
    path.write_text(
        HEADER
        + "1,2026-10-01T10:00:00Z,,ann@example.com,,email,marketing,grant,consent,form,Yes,en\n"
        + "2,2026-10-01T10:00:00Z,,bo@example.com,,fax,marketing,grant,consent,form,Yes,en\n"
    )
    return path


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def ingest(path: Path, *more: str) -> Result:
    return run("ingest", "consents", "--map", "shopify_consents", path, *more)


def test_ingest_prints_one_document_whose_sums_close(consents: Path) -> None:
    result = ingest(consents, "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (
        document["rows_in"]
        == document["accepted"] + document["quarantined"] + document["already_landed"]
        == 2
    )
    assert document["reasons"] == {"channel_allowed": 1}
    again = json.loads(ingest(consents, "--json").stdout)
    assert (again["accepted"], again["quarantined"], again["already_landed"]) == (0, 1, 1)


def test_ingest_tells_people_the_sum_and_the_reasons(consents: Path) -> None:
    output = ingest(consents).output
    assert (
        "consents from shopify: 2 rows in = 1 accepted (0 of them changed) + 1 quarantined + 0 already"
        in output
    )
    assert "1 x channel_allowed" in output


def test_the_quarantine_is_listed_shown_and_replayed(consents: Path) -> None:
    ingest(consents)
    listed = json.loads(run("quarantine", "list", "--json").stdout)
    assert (listed["rows"], listed["files"][0]["table"]) == (1, "consents")
    landing_id = listed["files"][0]["landing_id"]
    shown = json.loads(run("quarantine", "show", landing_id[:5], "--json").stdout)
    assert shown["shown"][0]["values"] == {"channel": "fax"}
    replayed = json.loads(run("quarantine", "replay", "--json").stdout)
    assert (replayed["landed"], replayed["still"]) == (0, 1)


def test_people_read_sentences_in_the_quarantine(consents: Path) -> None:
    ingest(consents)
    assert "1 row is set aside." in run("quarantine", "list").output
    landing_id = json.loads(run("quarantine", "list", "--json").stdout)["files"][0]["landing_id"]
    output = run("quarantine", "show", landing_id).output
    assert "“Channel” is one of email, sms, whatsapp, voice." in output
    assert "channel: fax" in output
    assert "1 still set aside" in run("quarantine", "replay").output


def test_an_empty_quarantine_says_so() -> None:
    assert run("quarantine", "list").output == "Nothing is set aside.\n"
    assert json.loads(run("quarantine", "list", "--json").stdout) == {
        "rows": 0,
        "files": [],
        "refused": [],
        "discarded": 0,
    }


def test_a_file_that_is_not_in_quarantine_and_an_unknown_table_are_refused() -> None:
    assert isinstance(run("quarantine", "show", "abc").exception, NotFoundError)
    assert isinstance(run("quarantine", "list", "--table", "persons").exception, UsageError)


def test_the_commands_are_listed_without_loading_what_they_need() -> None:
    code = (
        "import sys; from pipelines.sources.commands import app; "
        "print([name for name in ('duckdb', 'pandas', 'pyarrow', 'great_expectations') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=FOLDER.parent
    )
    assert done.stdout == "[]\n"
