"""A release is one whole file with the published tables only, and the pointer names the newest."""

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from data_contracts.contracts import published_contract
from data_contracts.errors import BuildError, ReleaseError
from messaging.customers.published import published_touches
from messaging.release import ReleaseReader
from pipelines.publishing.pointer import POINTER, Pointer, file_sha256, read_pointer
from pipelines.publishing.release import PUBLISHED, publish
from pipelines.warehouse.connection import open_warehouse

from .conftest import AS_OF, facts, make_warehouse

Publish = Callable[[], Pointer]


def test_a_release_holds_the_published_tables_and_nothing_else(releases: Path, publish_once: Publish) -> None:
    pointer = publish_once()
    with duckdb.connect(str(releases / pointer.file), read_only=True) as release:
        tables = {row[0] for row in release.execute("SHOW TABLES").fetchall()}
        indexed = {row[0] for row in release.execute("SELECT table_name FROM duckdb_indexes()").fetchall()}
    assert tables == {*PUBLISHED, "customer_card", "release_info"}
    assert indexed == {*PUBLISHED, "customer_card"}


def test_rows_of_one_customer_lie_together(releases: Path, publish_once: Publish) -> None:
    pointer = publish_once()
    with duckdb.connect(str(releases / pointer.file), read_only=True) as release:
        ids = [row[0] for row in release.execute("SELECT customer_id FROM customer_360").fetchall()]
    assert ids == sorted(ids)


def test_touches_of_a_customer_are_read_from_where_they_lie_and_nobody_elses_with_them(
    build_path: Path, releases: Path, publish_once: Publish
) -> None:
    given = ("customer_id", "occurred_at", "touch_id")
    promised = published_contract("customer_timeline").duckdb_columns()
    rest = ", ".join(f"NULL::{kind} AS {name}" for name, kind in promised.items() if name not in given)
    with open_warehouse(build_path) as connection:
        connection.execute(
            "CREATE OR REPLACE TABLE marts.customer_timeline AS SELECT 'cus_' || (i % 700) AS customer_id,"
            f" TIMESTAMP '2026-01-01' + to_minutes(i) AS occurred_at, i::VARCHAR AS touch_id, {rest}"
            " FROM range(70_000) AS touches(i)"
        )
    publish_once()
    reader = ReleaseReader(releases)
    try:
        with reader.snapshot() as snapshot:
            newest = published_touches(snapshot, "cus_17", 3)
            assert [row["touch_id"] for row in newest] == ["69317", "68617", "67917"]
            assert len(published_touches(snapshot, "cus_699", 1000)) == 100
            assert published_touches(snapshot, "cus_nobody", 5) == []
    finally:
        reader.close()


def test_the_release_says_what_it_is(releases: Path, publish_once: Publish) -> None:
    pointer = publish_once()
    with duckdb.connect(str(releases / pointer.file), read_only=True) as release:
        row = release.execute(
            "SELECT version, as_of, row_counts::VARCHAR, watermarks->>'purchases' FROM release_info"
        ).fetchall()[0]
    assert row[:2] == (pointer.version, AS_OF)
    assert json.loads(row[2]) == dict.fromkeys(PUBLISHED, 50)
    assert row[3] == "2026-10-30T11:00:00"


def test_the_pointer_names_the_file_by_its_hash_and_can_be_read_back(
    releases: Path, publish_once: Publish
) -> None:
    pointer = publish_once()
    assert read_pointer(releases) == pointer
    assert pointer.sha256 == file_sha256(releases / pointer.file)
    assert pointer.version.startswith("20261030T120000-")


def test_messaging_reads_what_was_published_and_sees_the_next_release_at_once(
    build_path: Path, releases: Path, publish_once: Publish
) -> None:
    publish_once()
    reader = ReleaseReader(releases)
    try:
        with reader.snapshot() as snapshot:
            assert snapshot.row("SELECT count(*) AS people FROM c360.customer_360") == {"people": 50}
        make_warehouse(build_path, people=60)
        second = publish_once()
        with reader.snapshot() as snapshot:
            assert snapshot.info.version == second.version
            assert snapshot.row("SELECT count(*) AS people FROM c360.customer_360") == {"people": 60}
    finally:
        reader.close()


def test_a_reader_that_began_on_the_old_release_ends_on_it(
    build_path: Path, releases: Path, publish_once: Publish
) -> None:
    first = publish_once()
    reader = ReleaseReader(releases)
    try:
        with reader.snapshot() as snapshot:
            make_warehouse(build_path, people=60)
            publish_once()
            assert snapshot.row("SELECT count(*) AS people FROM c360.customer_360") == {"people": 50}
            assert snapshot.info.version == first.version
    finally:
        reader.close()


def test_what_tables_a_release_has_can_be_asked_while_others_read_the_next_one(
    build_path: Path, releases: Path, publish_once: Publish
) -> None:
    publish_once()
    reader = ReleaseReader(releases)
    try:
        with reader.snapshot() as snapshot:
            make_warehouse(build_path, people=60)
            publish_once()
            with reader.snapshot() as newer:
                assert newer.row("SELECT count(*) AS people FROM c360.customer_360") == {"people": 60}
            snapshot.require("customer_360", "customer_id", "generation")
            assert snapshot.has("identity_journal")
            assert not snapshot.has("no_such_table")
            with pytest.raises(
                ReleaseError, match=r"without customer_360\.no_such_column, by an older version"
            ):
                snapshot.require("customer_360", "no_such_column")
            assert snapshot.row("SELECT count(*) AS people FROM c360.customer_360") == {"people": 50}
    finally:
        reader.close()


def test_nothing_is_published_when_a_table_is_missing(
    build_path: Path, releases: Path, publish_once: Publish
) -> None:
    first = publish_once()
    with open_warehouse(build_path) as connection:
        connection.execute("DROP TABLE marts.orders")
    with pytest.raises(BuildError, match="no table orders"):
        publish(build_path, releases, facts())
    assert read_pointer(releases) == first


def test_a_damaged_pointer_counts_as_none(releases: Path, publish_once: Publish) -> None:
    publish_once()
    (releases / POINTER).write_text("{")
    assert read_pointer(releases) is None
