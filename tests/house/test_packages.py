"""The distribution is what it says it is."""

import importlib
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("pipelines", "messaging", "dashboard", "data_contracts")


@pytest.mark.parametrize("name", PACKAGES)
def test_the_package_that_is_imported_is_ours_and_not_a_namesake_from_the_index(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__file__ is not None
    assert Path(module.__file__).parent == ROOT / name


def test_the_wheel_holds_every_package_and_the_front_door() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    named = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(named) == {*PACKAGES, "dbt_project", "rapport.py"}


def test_the_lock_pins_every_requirement_with_a_hash_and_names_no_address() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert pins
    assert all("==" in pin and pin.rstrip().endswith("\\") for pin in pins)
    assert "://" not in "\n".join(lines)


def test_make_help_names_every_target_a_newcomer_needs() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("demo", "test", "lint", "bench", "up", "help"):
        assert f"make {target} " in shown


def test_nothing_large_and_nobodys_package_is_kept_with_the_source() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    assert files
    # the largest is requirements.lock, with 350 KB of hashes
    assert [str(each) for each in files if each.stat().st_size > 512 * 1024] == []
    assert [
        str(each) for each in files if each.suffix in {".whl", ".gz", ".zip", ".db", ".duckdb", ".parquet"}
    ] == []
