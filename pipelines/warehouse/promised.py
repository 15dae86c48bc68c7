"""Lays what we promise over dbt's manifest, so that a column's type and words stand in one place: the contract.

A model of a published table gets its contract's columns, enforced: dbt compares them with what the model selects before
it makes the table. A trait's model gets `customer_id` and its own column. Whoever runs dbt by hand gets the same models
without that comparison.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_contracts.contracts import published_contract, published_contracts
from data_contracts.errors import BuildError
from data_contracts.model import Column, Contract

TRAITS = "traits"  # the folder of models, and the variable that names them while dbt parses
VIEW = "customer_360"
KEY = "customer_id"


def trait_names(project: Path) -> list[str]:
    """Name the traits: each has a model and a line. Raises BuildError naming one that has only half of it."""
    models = {path.stem: path for path in (project / "models" / TRAITS).glob("*.sql")}
    lines = [column.name for column in published_contract(VIEW).columns if column.trait]
    for name in sorted(models.keys() ^ set(lines)):
        if name in models:
            raise BuildError(
                f"The trait {name!r} has a model and no line that says its type and words.",
                f"Give it one in data_contracts/published/traits.yaml, or delete {models[name]}.",
            )
        raise BuildError(
            f"The trait {name!r} has a line and no model.",
            f"Write dbt_project/models/{TRAITS}/{name}.sql, which selects {KEY} and {name}, or delete its line.",
        )
    return lines


def lay_contracts(manifest: Any) -> None:
    """Give the models of published tables, and traits, the columns of their contracts; changes the manifest."""
    contracts = published_contracts()
    for node in manifest.nodes.values():
        if str(node.resource_type) == "model" and (columns := _promised(node, contracts)):
            _enforce(node, columns)
            if node.fqn[1] == TRAITS:
                node.description = columns[-1].description


def _promised(node: Any, contracts: Mapping[str, Contract]) -> list[Column]:
    if node.fqn[1] == TRAITS:
        known = {column.name: column for column in contracts[VIEW].columns}
        return [known[KEY], known[node.name]]
    return list(contracts[node.name].columns) if node.name in contracts else []


def _enforce(node: Any, columns: list[Column]) -> None:
    from dbt.artifacts.resources import ColumnConfig, ColumnInfo

    node.columns = {
        column.name: ColumnInfo(
            name=column.name,
            description=column.description,
            data_type=column.type.lower(),
            config=ColumnConfig(meta=(meta := {"title": column.title}), tags=(tags := _tags(column))),
            meta=meta,
            tags=tags,
        )
        for column in columns
    }
    node.config.contract.enforced = True
    node.contract.enforced = True
    node.build_contract_checksum()


def _tags(column: Column) -> list[str]:
    return ["personal"] if column.personal else []
