"""One measurement each: what is prepared beforehand, what is timed, and what is said of the outcome."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.identity.graphs import KIND_LIMITS, UNLIMITED, People, power_law
from pipelines.identity.graph import NO_LIMIT, Graph, Rules
from pipelines.identity.incremental import Change, extend
from pipelines.identity.resolve import Resolution, resolve

COLUMNS = ("one", "other", "one_kind", "other_kind")
RULES = Rules(limits=KIND_LIMITS)
NEW_SHARE = 0.01
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Job:
    """`prepare` reads edges from a folder; `work` is timed; `tell` gives figures of its outcome."""

    prepare: Callable[[Path], Any]
    work: Callable[[Any], Any]
    tell: Callable[[Any, Any], dict[str, float]]


def save_people(people: People, folder: Path) -> None:
    """Write edges for a job to read, so that making them counts for no job's memory."""
    one, other = people.pairs
    save_columns(
        dict(zip(COLUMNS, (one, other, people.kind[people.one], people.kind[people.other]), strict=True)),
        folder,
    )


def save_columns(columns: Columns, folder: Path) -> None:
    """Write arrays by name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, column in columns.items():
        np.save(folder / f"{name}.npy", column)


def save_pairs(one: NDArray[np.uint64], other: NDArray[np.uint64], folder: Path) -> None:
    """Write edges between nodes that have no kind."""
    none = np.full(len(one), UNLIMITED, dtype=np.int8)
    save_columns(dict(zip(COLUMNS, (one, other, none, none), strict=True)), folder)


def warm_up(folder: Path) -> None:
    """Write a small graph: what runs on it first pays for imports and caches."""
    save_people(power_law(2000, seed=1), folder)


def _columns(folder: Path) -> Columns:
    return {name: np.load(folder / f"{name}.npy") for name in COLUMNS}


def _graph(folder: Path) -> Graph:
    columns = _columns(folder)
    one, other = (
        np.where(columns[name] == UNLIMITED, np.int16(NO_LIMIT), columns[name]).astype(np.int16)
        for name in ("one_kind", "other_kind")
    )
    # an external id's evidence is followed before an e-mail's, and so on down to an order's
    rank = np.maximum(columns["one_kind"], columns["other_kind"]) + 1
    return Graph.of(columns["one"], columns["other"], (one, other), rank)


# --- scipy alone: what anybody would write, without limits


def _scipy(columns: Columns) -> NDArray[np.int32]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    nodes, dense = np.unique(np.concatenate([columns["one"], columns["other"]]), return_inverse=True)
    size = len(columns["one"])
    shape = (len(nodes), len(nodes))
    graph = coo_array((np.ones(size, dtype=np.bool_), (dense[:size], dense[size:])), shape=shape)
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int32)


def _tell_components(_: Columns, component: NDArray[np.int32]) -> dict[str, float]:
    return {"nodes": len(component), "components": int(component.max()) + 1}


# --- Splink's own clustering, its tables prepared: nodes are known to it beforehand, unlike to the others


def _splink_tables(folder: Path) -> Any:
    import duckdb

    columns = _columns(folder)
    connection = duckdb.connect()
    one, other = columns["one"], columns["other"]
    connection.register("pairs", {"one": one, "other": other})
    connection.execute("CREATE TABLE edges AS SELECT one AS node_l, other AS node_r FROM pairs")
    connection.execute(
        "CREATE TABLE nodes AS SELECT node_l AS node FROM edges UNION SELECT node_r FROM edges"
    )
    connection.unregister("pairs")
    return connection


def _splink(connection: Any) -> Any:
    from splink import DuckDBAPI
    from splink.clustering import cluster_pairwise_predictions_at_threshold

    api = DuckDBAPI(connection)
    nodes, edges = api.register("nodes"), api.register("edges")
    return cluster_pairwise_predictions_at_threshold(nodes, edges, api, node_id_column_name="node")


def _tell_clusters(_: Any, clusters: Any) -> dict[str, float]:
    counts = clusters.as_duckdbpyrelation().aggregate("count(*), count(DISTINCT cluster_id)").fetchall()[0]
    return {"nodes": counts[0], "components": counts[1]}


# --- ours, limits kept


def _tell_people(_: Graph, found: Resolution) -> dict[str, float]:
    settled = found.settled
    return {
        "nodes": len(found.nodes),
        "components": len(np.unique(settled.component)),
        "people": len(np.unique(settled.person)),
        "refused": len(settled.refused),
        "nodes in broken components": int(settled.broken[settled.component].sum()),
    }


# --- one edge in a hundred is new


def _new(folder: Path) -> tuple[Graph, NDArray[np.bool_]]:
    graph = _graph(folder)
    return graph, np.random.default_rng(len(graph)).random(len(graph)) < NEW_SHARE


def _before(folder: Path) -> tuple[Resolution, Change, Graph]:
    graph, new = _new(folder)
    return resolve(graph.take(~new), RULES), Change(added=graph.take(new)), graph


def _tell_same(asked: tuple[Resolution, Change, Graph], after: Resolution) -> dict[str, float]:
    """Compare with a resolution from scratch, and people whom nothing new concerns with who they were."""
    before, change, graph = asked
    whole = resolve(graph, RULES)
    old = before.nodes.hashes
    numbers = before.persons(old), after.persons(old)
    touched = np.isin(
        before.settled.component,
        before.settled.component[_known(before, np.concatenate([change.added.one, change.added.other]))],
    )
    return {
        "new edges": len(change.added),
        "nodes elsewhere than from scratch": differing(
            after.persons(whole.nodes.hashes), whole.settled.person
        ),
        "untouched nodes": int((~touched).sum()),
        "untouched nodes whose person changed": int((numbers[0] != numbers[1])[~touched].sum()),
    }


def _known(before: Resolution, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    places = before.nodes.places(hashes)
    return places[places >= 0]


def differing(one: NDArray[np.integer[Any]], other: NDArray[np.integer[Any]]) -> int:
    """Count the nodes whose group in one partition is not exactly their group in the other."""
    cell = one.astype(np.int64) * (int(other.max()) + 1) + other
    _, place, sizes = np.unique(cell, return_inverse=True, return_counts=True)
    both = sizes[place]
    return int(((np.bincount(one)[one] != both) | (np.bincount(other)[other] != both)).sum())


JOBS = {
    "scipy": Job(_columns, _scipy, _tell_components),
    "splink": Job(_splink_tables, _splink, _tell_clusters),
    "ours": Job(_graph, lambda graph: resolve(graph, RULES), _tell_people),
    "incremental": Job(_before, lambda asked: extend(asked[0], asked[1]), _tell_same),
}
