"""Normalise anyone's records by the warehouse's own models: an evaluation judges what a build does."""

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.contracts import inbound_contracts
from data_contracts.errors import BuildError

if TYPE_CHECKING:
    import duckdb

PROJECT = Path(__file__).parents[2] / "dbt_project"

_AS_CONTACTS = """
    INSERT INTO landing.contacts BY NAME
    SELECT *, TIMESTAMP '1970-01-01' AS received_at, '{}' AS raw_record, 'evaluated' AS landing_id FROM
    records
"""


def land_as_contacts(connection: "duckdb.DuckDBPyConnection") -> None:
    """Make schema `landing` as a build has it, with the table `records` as its only contacts."""
    connection.execute("CREATE SCHEMA landing")
    for name, contract in inbound_contracts().items():
        columns = ", ".join(f'"{column}" {kind}' for column, kind in contract.duckdb_columns().items())
        connection.execute(f"CREATE TABLE landing.{name} ({columns}, landing_id VARCHAR)")
    connection.execute(_AS_CONTACTS)


def run_identity_models(build_path: Path, default_region: str) -> None:
    """Build the models up to int_identity__identifiers in the file `build_path`, in this process.

    `default_region` is the ISO country of phone numbers that name none. No connection to the file may be
    open.
    """
    target = str(build_path.parent / "dbt")
    arguments = ["build", "--select", "+int_identity__identifiers"]
    arguments += ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
    arguments += ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    arguments += ["--target-path", target, "--log-path", target, "--quiet"]
    arguments += ["--log-level", "none", "--log-level-file", "none"]  # dbt's words may quote rows
    arguments += ["--vars", json.dumps({"default_region": default_region})]
    with _building_into(build_path), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of dbt's own libraries
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        try:
            outcome = dbtRunner().invoke(arguments)
        finally:
            DuckDBConnectionManager.close_all_connections()  # else the file stays locked, to ourselves too
    if not outcome.success:
        failed = [
            result.node.name for result in getattr(outcome.result, "results", []) if result.status == "error"
        ]
        raise BuildError(
            f"The identity models could not be built: {', '.join(failed) or 'dbt did not start'}."
        )


@contextmanager
def _building_into(build_path: Path) -> Iterator[None]:
    """Name the file to dbt's profile, which reads the environment."""
    before = os.environ.get("RAPPORT_BUILD_DB")
    os.environ["RAPPORT_BUILD_DB"] = str(build_path)
    try:
        yield
    finally:
        if before is None:
            del os.environ["RAPPORT_BUILD_DB"]
        else:
            os.environ["RAPPORT_BUILD_DB"] = before
