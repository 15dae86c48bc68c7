"""However a company's records come, at once or in many parts, the view of it is the same to the row."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from data_contracts.contracts import load_contract
from messaging.clock import Clock
from messaging.settings import Settings, read_settings
from pipelines.defs.build import BuildReport, run_build
from pipelines.defs.people import TABLES as IDENTITY
from pipelines.landing.manifest import FORM, Landing, file_sha256, publish
from pipelines.publishing.release import PUBLISHED
from pipelines.samples.times import END
from pipelines.samples.world import make_world
from pipelines.warehouse import increment
from pipelines.warehouse.connection import open_warehouse

pytestmark = pytest.mark.slow
PEOPLE = 400
PARTS = 2  # after the first load
NOW: datetime = END.item() + timedelta(days=30)

# Most rows come first; of the others each part brings some, and sends some again that came before, with other words.
_ROWS = """
    COPY (
        WITH dealt AS (SELECT *, hash(source_record_id, {seed}) % 1000 AS lot FROM rows)
        SELECT {columns}, md5(concat_ws(chr(31), {part}, source, source_record_id)) AS row_hash,
            '{landing_id}' AS landing_id
        FROM (
            SELECT * REPLACE (received_at + INTERVAL ({part}) MINUTE AS received_at) FROM dealt
            WHERE CASE WHEN lot >= {late} THEN 0 ELSE 1 + lot % {parts} END = {part}
            UNION ALL
            SELECT * REPLACE (received_at + INTERVAL ({part}) MINUTE AS received_at {changed}) FROM dealt
            WHERE {part} > 0 AND hash(source_record_id, {part}, {seed}) % 500 = 0
        )
    ) TO '{path}' (FORMAT parquet)
"""
# what a later version of a record says otherwise: whose it is, how much it was, what became of it
_CHANGED = {
    "purchases": ", CASE WHEN lot % 2 = 0 THEN NULL ELSE email END AS email, net_amount_minor + 1 AS net_amount_minor",
    "contacts": ", CASE WHEN lot % 2 = 0 THEN 'moved' || lot || '@example.com' ELSE email END AS email",
    "email_messages": ", subject || ' (corrected)' AS subject",
    "products": ", name || ' (new)' AS name",
    "shipments": ", 'delivered' AS status",
    "sms_messages": ", 'undelivered' AS status, 30005 AS error_code",
    "tickets": ", 'solved' AS status, occurred_at + INTERVAL 3 HOUR AS solved_at",
}


@dataclass(frozen=True)
class Sent:
    """A company whose records lie ready in parts."""

    settings: Settings
    parts: tuple[tuple[Landing, ...], ...]

    def build(self, part: int) -> BuildReport:
        """Let a part land, and build as of a day later than the part before."""
        publish(self.settings, self.parts[part])
        return run_build(self.settings, Clock(NOW + timedelta(days=part)))

    def build_whole(self) -> BuildReport:
        """Build everything again of what has landed, by the same weights, which `--full` would renew."""
        with open_warehouse(self.settings.build_path) as connection:
            connection.execute("DELETE FROM increment.built")
        return run_build(self.settings, Clock(NOW + timedelta(days=PARTS)))


@pytest.fixture
def sent(tmp_path: Path) -> Sent:
    seed = secrets.randbelow(1_000_000)
    print(f"the company has the seed {seed}")  # noqa: T201 - pytest shows it when a test fails
    settings = read_settings(home=tmp_path / "home")
    world = make_world(PEOPLE, seed)
    parts = []
    with duckdb.connect(":memory:") as connection:
        for part in range(PARTS + 1):
            landings = []
            for table, rows in world.tables.items():
                connection.register("rows", rows)
                landings.append(_land(connection, settings, table, part, seed))
            parts.append(tuple(landing for landing in landings if landing.accepted))
    return Sent(settings, tuple(parts))


def _land(
    connection: duckdb.DuckDBPyConnection, settings: Settings, table: str, part: int, seed: int
) -> Landing:
    path = settings.landing_dir / "sample" / table / f"{table}-{part}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(
        _ROWS.format(
            columns=", ".join(load_contract(table).duckdb_columns()),
            landing_id=path.stem,
            part=part,
            parts=PARTS,
            late=PARTS * 10,
            seed=seed,
            changed=_CHANGED.get(table, ""),
            path=path,
        )
    )
    described, count = pq.read_schema(path), pq.read_metadata(path).num_rows
    return Landing(
        landing_id=path.stem,
        source="sample",
        table=table,
        file_name=path.name,
        file_sha256=file_sha256(path),
        contract_hash=load_contract(table).hash,
        mapping_hash="",
        received_at=NOW + timedelta(days=part),
        rows_in=count,
        accepted=count,
        quarantined=0,
        already_landed=0,
        changed=0,
        parquet=path.name,
        parquet_sha256=file_sha256(path),
        columns=tuple(described.names),
        path=path,
        form=FORM,
    )


def contents(settings: Settings) -> Iterator[tuple[str, tuple[int, int]]]:
    """Give every table of the view with how many rows it has and what they are, in no order."""
    with open_warehouse(settings.build_path, read_only=True) as connection:
        tables = connection.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables()"
            " WHERE database_name = 'c360' AND (schema_name IN ('staging', 'intermediate', 'marts', 'traits', 'identity')"
            " OR schema_name = 'store' AND table_name IN ('consents', 'holders'))"
            " ORDER BY ALL"
        ).fetchall()
        for (table,) in tables:
            if table.startswith("identity.") and table.partition(".")[2] not in IDENTITY:
                continue  # what resolving goes by: numbers given in the order in which records came
            query = f"SELECT count(*), sum(hash(said)::HUGEINT) FROM {table} AS said"
            yield table, connection.execute(query).fetchall()[0]


def released(settings: Settings, version: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Give every table of a release likewise."""
    with duckdb.connect(str(settings.releases_dir / f"c360-{version}.duckdb"), read_only=True) as connection:
        for table in PUBLISHED:
            query = f"SELECT count(*), sum(hash(said)::HUGEINT) FROM {table} AS said"
            yield table, connection.execute(query).fetchall()[0]


def test_any_parts_give_the_view_and_the_release_that_a_full_build_gives(
    sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        increment, "MOST_PEOPLE", 1.0
    )  # in a small company some products and letters are most people's
    reports = [sent.build(part) for part in range(PARTS + 1)]
    first, *later = [report.increment for report in reports]
    assert first.reason.startswith("Nothing was built before")
    # a text may have become one that many get: everything is built then, and is to be the same
    assert {each.reason for each in later} <= {"", "Other texts than before went to many people at once."}
    view, release = dict(contents(sent.settings)), dict(released(sent.settings, reports[-1].version))
    whole = sent.build_whole()
    assert whole.increment.kind == "full"
    assert differing(view, dict(contents(sent.settings))) == set()
    assert differing(release, dict(released(sent.settings, whole.version))) == set()


def differing(one: dict[str, tuple[int, int]], other: dict[str, tuple[int, int]]) -> set[str]:
    return {table for table in one.keys() | other.keys() if one.get(table) != other.get(table)}
