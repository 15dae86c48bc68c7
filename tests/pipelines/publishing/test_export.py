"""A release as parquet files: whole, of one release, and in the place of the one before by one rename."""

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from data_contracts.errors import BuildError
from pipelines.publishing import export
from pipelines.publishing.export import export_release
from pipelines.publishing.pointer import Pointer, file_sha256
from pipelines.publishing.release import PUBLISHED

from .conftest import make_warehouse

Publish = Callable[[], Pointer]


def test_every_table_of_the_release_is_a_file_that_its_manifest_names_by_hash_and_rows(
    releases: Path, publish_once: Publish
) -> None:
    folder = export_release(releases, publish_once().version)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert set(manifest["files"]) == {*PUBLISHED, "release_info"}
    for table, file in manifest["files"].items():
        path = folder / file["file"]
        rows = duckdb.sql(f"SELECT count(*) FROM read_parquet('{path}')").fetchall()[0][0]
        assert (file["rows"], file["sha256"]) == (rows, file_sha256(path)), table


def test_the_link_names_the_newest_and_the_one_before_stays_for_its_readers(
    build_path: Path, releases: Path, publish_once: Publish
) -> None:
    folders = []
    for people in (50, 60, 70):
        make_warehouse(build_path, people=people)
        folders.append(export_release(releases, publish_once().version))
    newest = releases / "parquet"
    assert newest.resolve() == folders[2]
    assert duckdb.sql(f"SELECT count(*) FROM '{newest}/customer_360.parquet'").fetchall() == [(70,)]
    assert [folder.exists() for folder in folders] == [False, True, True]


def test_an_export_that_fails_leaves_the_one_before_standing(
    releases: Path, publish_once: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = export_release(releases, publish_once().version)
    second = publish_once()

    def full_disk(path: Path) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "file_sha256", full_disk)
    with pytest.raises(OSError, match="No space left"):
        export_release(releases, second.version)
    assert (releases / "parquet").resolve() == first
    monkeypatch.undo()
    again = export_release(releases, second.version)
    assert (releases / "parquet").resolve() == again
    assert not list(releases.glob("*.tmp"))


def test_only_the_release_that_stands_is_exported(releases: Path, publish_once: Publish) -> None:
    first, second = publish_once(), publish_once()
    with pytest.raises(BuildError, match=f"{first.version} was to be exported and {second.version} stands"):
        export_release(releases, first.version)
