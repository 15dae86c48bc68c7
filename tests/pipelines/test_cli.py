"""The commands of the pipelines, as a person types them."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from typer.testing import CliRunner

from data_contracts.errors import BuildRunningError, UsageError
from pipelines.cli import app
from pipelines.publishing.pointer import Pointer, write_pointer
from pipelines.warehouse.lock import build_lock

HEAVY = ("dagster", "dbt", "duckdb", "pandas", "pyarrow", "sqlalchemy", "great_expectations", "scipy")


def test_a_build_that_must_not_wait_names_who_builds(tmp_path: Path) -> None:
    with build_lock(tmp_path / "warehouse"):
        result = CliRunner().invoke(app, ["build", "--no-wait"], env={"RAPPORT_HOME": str(tmp_path)})
    assert isinstance(result.exception, BuildRunningError)
    assert "process " in str(result.exception)


def test_a_moment_is_judged_before_anything_slow_is_imported(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["build", "--as-of", "soon"], env={"RAPPORT_HOME": str(tmp_path)})
    assert isinstance(result.exception, UsageError)
    assert list(tmp_path.iterdir()) == []


def test_help_imports_nothing_slow() -> None:
    code = "import json, sys, pipelines.cli; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(result.stdout)}
    assert loaded.isdisjoint(HEAVY)


def test_an_export_of_a_past_moment_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    noon = datetime(2026, 10, 30, 12)
    (tmp_path / "releases").mkdir()
    write_pointer(tmp_path / "releases", Pointer("v", "c360-v.duckdb", noon, noon, "1", {}, ""))
    result = CliRunner().invoke(
        app,
        ["build", "--as-of", "2026-10-01", "--export", "parquet"],
        env={"RAPPORT_HOME": str(tmp_path)},
    )
    assert isinstance(result.exception, UsageError)
    assert "will not come to stand" in str(result.exception)
    assert not (tmp_path / "warehouse").exists()
