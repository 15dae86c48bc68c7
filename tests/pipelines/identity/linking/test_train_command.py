"""`rapport identity train` learns from the last build and leaves a file in the home."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from data_contracts.errors import NotFoundError
from pipelines.identity.commands.app import app
from pipelines.identity.linking.model import home_model, load_model
from pipelines.warehouse.connection import open_warehouse


def test_without_a_build_there_is_nothing_to_learn_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_HOME", str(tmp_path))
    outcome = CliRunner().invoke(app, ["train"])
    assert isinstance(outcome.exception, NotFoundError)
    assert not (tmp_path / "identity_parameters.yaml").exists()


def test_what_was_learnt_is_what_the_home_uses(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    company: list[dict[str, Any]],
    load: Callable[..., duckdb.DuckDBPyConnection],
) -> None:
    monkeypatch.setenv("RAPPORT_HOME", str(tmp_path))
    records = load(company).sql("FROM loaded").to_arrow_table()
    with open_warehouse(tmp_path / "warehouse" / "build.duckdb") as connection:
        connection.register("loaded", records)
        connection.execute("CREATE SCHEMA intermediate")
        connection.execute("CREATE SCHEMA identity")
        connection.execute("CREATE TABLE intermediate.int_identity__records AS FROM loaded")
        connection.execute(
            "CREATE TABLE intermediate.int_identity__identifiers AS SELECT source, source_record_id, occurred_at,"
            " 'email' AS identifier_type, email AS match_key, NULL AS refused_reason FROM loaded WHERE false"
        )
        connection.execute(
            "CREATE TABLE identity.identity_map AS SELECT source, source_record_id, person::VARCHAR AS customer_id,"
            " 'record' AS identifier_type, source_record_id AS match_key FROM loaded"
        )
    outcome = CliRunner().invoke(app, ["train", "--json"])
    assert outcome.exit_code == 0, outcome.output
    assert json.loads(outcome.stdout)["records"] == len(company)
    assert home_model(tmp_path) != load_model()
