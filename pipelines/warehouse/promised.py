"""Lays what we promise over dbt's manifest, so that a column's type and words stand in one place: the contract.

A model of a published table gets its contract's columns, enforced: dbt compares them with what the model selects before
it makes the table. A trait's model gets `customer_id` and its own column. Whoever runs dbt by hand gets the same models
without that comparison.
"""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
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
    others = {path.stem for path in (project / "models").rglob("*.sql") if path.parent.name != TRAITS}
    if taken := sorted(others & set(models)):
        raise BuildError(
            f"The trait {taken[0]!r} has the name of a model that Rapport ships.",
            "Give it another name, in its file and in data_contracts/published/traits.yaml.",
        )
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
    _require_traits_before_the_view(manifest)
    contracts = published_contracts()
    for node in manifest.nodes.values():
        if str(node.resource_type) == "model" and (columns := _promised(node, contracts)):
            _enforce(node, columns)
            if node.fqn[1] == TRAITS:
                node.description = columns[-1].description


def _require_traits_before_the_view(manifest: Any) -> None:
    """Raise BuildError naming a trait that reads the view which it is a column of, or another trait that reads it.

    dbt parses such a circle without a word, and what walks along the graph afterwards never comes to an end.
    """
    models = {key: node for key, node in manifest.nodes.items() if str(node.resource_type) == "model"}
    reads = {key: [each for each in node.depends_on.nodes if each in models] for key, node in models.items()}
    try:
        TopologicalSorter(reads).prepare()
    except CycleError as error:
        circle = [models[key] for key in reversed(error.args[1])]  # each is read by the one before it
        trait = next((node.name for node in circle if node.fqn[1] == TRAITS), circle[0].name)
        way = [node.name for node in circle[:-1]]
        at = way.index(trait)
        way = [*way[at:], *way[:at], trait]
    else:
        return
    raise BuildError(
        f"The trait {trait!r} reads what is made from it: {', which reads '.join(way)}.",
        f"A trait is a column of {VIEW}: let it read models that stand before it, such as int_purchases__orders.",
    )


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
