"""One dbt in this process: the project's manifest, and a small company built with it."""

import json
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from data_contracts.contracts import inbound_contracts
from messaging.settings import read_settings
from messaging.store import open_store
from pipelines.defs.consents import push_consents
from pipelines.defs.standing import write_standing
from pipelines.identity.people import IdentityOrder, resolve_people
from pipelines.scoring.actions.rules import load_actions
from pipelines.scoring.churn.score import score_churn
from pipelines.scoring.lifetime.outcome import LifetimeOrder
from pipelines.scoring.lifetime.score import score_lifetime
from pipelines.scoring.sentiment.policy import load_sentiment_policy
from pipelines.scoring.sentiment.scorer import choose_scorer
from pipelines.scoring.sentiment.texts import score_texts
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.dbt_runner import parse_project
from pipelines.warehouse.promised import TRAITS, trait_names

PROJECT = Path(__file__).parents[2] / "dbt_project"
SCORER = choose_scorer(load_sentiment_policy())  # its model of languages takes 0.6 CPU s
AS_SHIPPED = IdentityOrder()
Rows = list[dict[str, Any]]
Landing = Mapping[str, Sequence[Mapping[str, Any]]]


class Company:
    """A company whose landed rows are given, and what its build finds."""

    def __init__(self, folder: Path, parsed: Any) -> None:
        self.folder = folder
        self.settings = read_settings(home=folder)
        self.build_path = self.settings.build_path
        self.parsed = parsed

    def land(self, rows: Landing) -> None:
        """Put rows where a build loads them; columns that are not given are NULL."""
        with open_warehouse(self.build_path) as connection:
            connection.execute("CREATE SCHEMA IF NOT EXISTS landing")
            for table, contract in inbound_contracts().items():
                columns = {**contract.duckdb_columns(), "landing_id": "VARCHAR"}
                listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
                connection.execute(f"CREATE OR REPLACE TABLE landing.{table} ({listed})")
                for row in rows.get(table, ()):
                    given = {"received_at": "2026-10-30", "raw_record": "{}", "landing_id": "l", **row}
                    names = ", ".join(f'"{name}"' for name in given)
                    marks = ", ".join("?" for _ in given)
                    insert = f"INSERT INTO landing.{table} ({names}) VALUES ({marks})"
                    connection.execute(insert, list(given.values()))

    def build(self, as_of: str, identity: IdentityOrder = AS_SHIPPED, **variables: Any) -> None:
        """Run all parts of the models with their tests, and the steps between them."""
        variables = {"as_of": as_of, **variables}
        arguments = ["--full-refresh"] if identity.afresh else []
        moment = datetime.fromisoformat(as_of)
        self.part("before_identity", *arguments, **variables)
        resolve_people(self.build_path, self.settings.state_path, moment, identity)
        self.ask_store(moment)
        score_texts(self.build_path, SCORER)
        self.part("after_identity", *arguments, **variables)
        order = LifetimeOrder(moment, variables.get("currency", "GBP"))
        score_lifetime(self.build_path, self.settings.state_path, order)
        score_churn(self.build_path, moment, self.settings.state_path)
        self.part("after_scoring", *arguments, **variables)

    def ask_store(self, moment: datetime) -> None:
        """Tell the company's own store what its data says of consents, and take the store's word."""
        with open_store(self.settings) as store:
            push_consents(self.settings, store, moment)
            write_standing(self.settings, store, moment)

    def part(self, tag: str, *arguments: str, **variables: Any) -> None:
        """Run one part of the models with their tests."""
        self.dbt(
            "build", "--select", f"tag:{tag}", "--exclude-resource-type", "unit_test", *arguments, **variables
        )

    def dbt(self, *arguments: str, **variables: Any) -> Any:
        """Run one dbt command on this company's warehouse, and fail with the names of what failed."""
        return run_dbt(
            self.folder,
            *arguments,
            "--vars",
            json.dumps({TRAITS: trait_names(PROJECT), **load_actions().to_variables(), **variables}),
            parsed=self.parsed,
        )

    def rows(self, query: str, *parameters: object) -> Rows:
        """Read the warehouse; each row by column name."""
        with open_warehouse(self.build_path, read_only=True) as connection:
            cursor = connection.execute(query, list(parameters))
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def run_dbt(folder: Path, *arguments: str, parsed: Any = None) -> Any:
    """Call dbt in this process, writing under `folder`; a manifest that is `parsed` spares the parsing."""
    where = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    where += ["--target-path", str(folder / "target"), "--log-path", str(folder / "logs"), "--quiet"]
    before = os.environ.get("RAPPORT_BUILD_DB")
    (folder / "warehouse").mkdir(parents=True, exist_ok=True)
    os.environ["RAPPORT_BUILD_DB"] = str(folder / "warehouse" / "build.duckdb")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of dbt's own libraries
            from dbt.adapters.duckdb.connections import DuckDBConnectionManager
            from dbt.cli.main import dbtRunner

            try:
                outcome = dbtRunner(manifest=parsed).invoke([*arguments, *where])
            finally:
                DuckDBConnectionManager.close_all_connections()
    finally:
        if before is None:
            del os.environ["RAPPORT_BUILD_DB"]
        else:
            os.environ["RAPPORT_BUILD_DB"] = before
    results = getattr(outcome.result, "results", [])
    failed = [
        f"{r.node.name}: {r.message}" for r in results if r.status in {"error", "fail", "runtime error"}
    ]
    assert outcome.success, failed or outcome.exception
    return outcome.result


@pytest.fixture(scope="session")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return parse_project(tmp_path_factory.mktemp("parsed"))


@pytest.fixture(scope="session")
def manifest(parsed: Any) -> dict[str, Any]:
    document: dict[str, Any] = parsed.to_dict()
    return document


@pytest.fixture(scope="session")
def found_company(tmp_path_factory: pytest.TempPathFactory, parsed: Any) -> Callable[[str], Company]:
    return lambda name: Company(tmp_path_factory.mktemp(name), parsed)
