"""The definitions load, alone and in a foreign workspace, and their graph is the one that was looked at."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from messaging.settings import read_settings
from pipelines.defs.assembly import build_definitions

from .graph import graph_text

SNAPSHOT = Path(__file__).with_name("asset_graph.txt")
ROOT = Path(__file__).parents[3]

FOREIGN_ASSETS = """
import dagster

@dagster.asset
def theirs() -> None: ...

defs = dagster.Definitions(assets=[theirs])
"""
FOREIGN_WORKSPACE = """
load_from:
  - python_file: theirs.py
  - python_module:
      module_name: pipelines.definitions
      location_name: rapport
"""


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> str:
    settings = read_settings(home=tmp_path_factory.mktemp("graph"))
    return graph_text(build_definitions(settings))


def test_the_asset_graph_is_the_one_in_the_snapshot(graph: str) -> None:
    assert graph == SNAPSHOT.read_text(), (
        "The graph has changed. If it should: python tests/pipelines/defs/graph.py > "
        "tests/pipelines/defs/asset_graph.txt, and read the difference."
    )


def test_every_asset_bears_our_prefix(graph: str) -> None:
    assets = graph[: graph.index("contracts\n")].splitlines()[1:]
    assert all(line.removeprefix("    <- ").strip().startswith("rapport/") for line in assets)


def test_every_landed_and_published_contract_blocks(graph: str) -> None:
    contracts = graph[graph.index("contracts\n") : graph.index("jobs\n")].splitlines()[1:]
    assert contracts
    assert all(line.endswith(": blocking") for line in contracts)


@pytest.mark.slow
def test_our_code_location_loads_in_a_foreign_workspace_from_another_folder(tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_text(FOREIGN_ASSETS)
    (tmp_path / "workspace.yaml").write_text(FOREIGN_WORKSPACE)
    ours = ("RAPPORT_", "DAGSTER_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment |= {"RAPPORT_HOME": str(tmp_path / "home"), "DAGSTER_DISABLE_TELEMETRY": "1"}
    result = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    said = result.stdout + result.stderr
    assert result.returncode == 0, said
    assert "Validation successful for code location rapport" in said
    assert "Validation successful for code location theirs.py" in said


def test_the_workspace_of_this_repository_names_the_same_location() -> None:
    text = (ROOT / "workspace.yaml").read_text()
    assert "module_name: pipelines.definitions" in text
    assert "location_name: rapport" in text
