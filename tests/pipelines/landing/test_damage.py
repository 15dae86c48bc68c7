"""Files that were damaged after they were written: always noticed, never read as something else, and mended by their delivery."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from data_contracts.contracts import load_contract
from data_contracts.errors import InputError
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing.keys import find_landed, hash_probe, whole_index
from pipelines.landing.manifest import Landing, is_whole, list_landings, read_manifest, verify
from pipelines.landing.quarantine import (
    count_quarantined,
    list_quarantine,
    replay_quarantine,
    show_quarantine,
)
from pipelines.landing.seals import seal_path
from pipelines.landing.writer import Landed, quarantine_path
from pipelines.warehouse.load import load_tables

Make = Callable[..., dict[str, str | None]]
Land = Callable[..., Landed]
Rows = Callable[[Landed, str], list[tuple[Any, ...]]]
TIMES = 500


@pytest.fixture
def landing(land: Land, consent: Make) -> Landing:
    """Land 40 rows and set 10 aside."""
    good = [consent(number, method=f"form {number}") for number in range(40)]
    return land(*good, *(consent(number, action="maybe") for number in range(40, 50))).landing


def test_every_flipped_bit_and_truncation_of_a_landed_file_keeps_a_build_from_loading_it(
    landing: Landing,
) -> None:
    columns = {"consents": load_contract("consents").duckdb_columns()}
    with duckdb.connect() as connection:
        for _ in damages(landing.path):
            (load,) = load_tables(connection, columns, [landing], full=True)
            assert (load.rows, load.refused) == (0, (f"shop/{landing.landing_id}",))
        (load,) = load_tables(connection, columns, [landing], full=True)
        assert (load.rows, load.refused) == (40, ())


def test_every_flipped_bit_and_truncation_of_a_landed_file_keeps_a_delivery_from_being_compared_with_it(
    landing: Landing,
) -> None:
    with duckdb.connect() as connection:
        judge_one(connection, "consent/7")
        for _ in damages(landing.path):
            with pytest.raises(InputError, match=r"landed file .* Ingest consents\.csv again"):
                find_landed(connection, load_contract("consents"), [landing])
        find_landed(connection, load_contract("consents"), [landing])
        assert found_ids(connection) == ["consent/7"]


def test_every_flipped_bit_and_truncation_of_a_key_index_is_noticed_and_the_index_made_again(
    landing: Landing,
) -> None:
    with duckdb.connect() as connection:
        judge_one(connection, "consent/7")
        probe = hash_probe(connection)
        for _ in damages(landing.keys_path):
            present = read_manifest(landing.manifest_path)
            assert not whole_index(present, probe)
            find_landed(connection, load_contract("consents"), [present])
            assert found_ids(connection) == ["consent/7"]
            assert whole_index(read_manifest(landing.manifest_path), probe)


def test_every_flipped_bit_and_truncation_of_a_quarantine_file_is_told(
    landing: Landing, settings: Settings
) -> None:
    for _ in damages(quarantine_path(settings, landing)):
        with pytest.raises(InputError, match=r"The quarantine file .* cannot be read"):
            list_quarantine(settings)
    assert list_quarantine(settings)[0].rows == 10


def test_nobody_reads_a_damaged_quarantine_file(
    landing: Landing, settings: Settings, clock: Clock, land: Land, consent: Make
) -> None:
    (item,) = list_quarantine(settings)
    for _ in damages(item.path, times=10):
        for read in (
            lambda: show_quarantine(item),
            lambda: count_quarantined(settings, "consents"),
            lambda: replay_quarantine(settings, clock),
        ):
            with pytest.raises(InputError, match=r"cannot be read|hash differs"):
                read()


def test_a_seal_that_is_damaged_or_missing_proves_nothing(landing: Landing, settings: Settings) -> None:
    seal = seal_path(quarantine_path(settings, landing))
    sound = seal.read_text().strip()
    for _ in damages(seal):
        if seal.read_text(errors="replace").strip() != sound:
            with pytest.raises(InputError, match="cannot be read"):
                list_quarantine(settings)
    seal.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        list_quarantine(settings)


def test_every_flipped_bit_and_truncation_of_a_manifest_is_noticed(landing: Landing) -> None:
    sound = landing.manifest_path.read_bytes().strip()
    for _ in damages(landing.manifest_path):
        if landing.manifest_path.read_bytes().strip() != sound:  # more than the line break at its end
            with pytest.raises(InputError, match="is damaged"):
                read_manifest(landing.manifest_path)


def test_a_file_whose_rows_are_damaged_lands_again_in_the_place_that_it_had(
    land: Land, consent: Make, rows: Rows, settings: Settings
) -> None:
    records = [consent(1), consent(2, action="maybe"), consent(3)]
    old = land(*records).landing
    land(consent(1, method="corrected since"))
    flip(old.path)
    again = land(*records)
    assert (again.repeated, again.counts.accepted, again.counts.quarantined) == (False, 2, 1)
    assert (again.landing.landing_id, again.landing.received_at) == (old.landing_id, old.received_at)
    assert again.landing.replaces == old.parquet_sha256
    assert list_landings(settings)[0].landing_id == old.landing_id
    assert all(map(is_whole, list_landings(settings)))
    assert rows(again, "source_record_id, method") == [("consent/1", None), ("consent/3", None)]
    assert list_quarantine(settings)[0].rows == 1


def test_a_file_that_is_missing_lands_again(land: Land, consent: Make) -> None:
    landing = land(consent(1), consent(2)).landing
    landing.path.unlink()
    assert land(consent(1), consent(2)).counts.accepted == 2
    assert land(consent(1), consent(2)).repeated
    verify(read_manifest(landing.manifest_path))


def test_two_damaged_files_that_share_records_are_mended_one_after_the_other(
    land: Land, consent: Make, settings: Settings
) -> None:
    first, second = [consent(1), consent(2)], [consent(2, method="paper"), consent(3)]
    for landed in (land(*first), land(*second)):
        flip(landed.landing.path)
    assert (land(*first).counts.accepted, land(*second).counts.accepted) == (2, 2)
    assert all(map(is_whole, list_landings(settings)))


def test_what_a_replay_landed_is_mended_by_the_file_that_it_came_from(
    land: Land, consent: Make, rows: Rows, settings: Settings, clock: Clock, request: pytest.FixtureRequest
) -> None:
    records = [consent(1), consent(2, channel="fax"), consent(3, channel="pigeon")]
    land(*records)
    request.getfixturevalue("mended")
    replay_quarantine(settings, clock)
    replayed = list_landings(settings)[-1]
    flip(replayed.path)
    with pytest.raises(InputError, match=r"Ingest the file that landed as \w{16} again"):
        verify(replayed)
    again = land(*records)
    assert (again.landing.landing_id, again.landing.received_at) == (
        replayed.landing_id,
        replayed.received_at,
    )
    assert rows(again, "source_record_id") == [("consent/2",)]
    assert [item.rows for item in list_quarantine(settings)] == [1]
    assert land(*records).repeated


def test_what_landed_before_there_were_indexes_is_indexed_at_the_next_delivery(
    land: Land, consent: Make
) -> None:
    landing = land(consent(1), consent(2)).landing
    as_it_was_written_before(landing)
    counts = land(consent(2), consent(3)).counts
    assert (counts.accepted, counts.already_landed) == (1, 1)
    present = read_manifest(landing.manifest_path)
    assert present.keys_path.exists()
    assert (present.form, bool(present.keys_sha256)) == (1, True)


def test_what_was_set_aside_before_there_were_seals_can_still_be_read(
    land: Land, consent: Make, settings: Settings
) -> None:
    landing = land(consent(1), consent(2, action="maybe")).landing
    as_it_was_written_before(landing)
    seal_path(quarantine_path(settings, landing)).unlink()
    assert list_quarantine(settings)[0].rows == 1


def as_it_was_written_before(landing: Landing) -> None:
    document = json.loads(landing.manifest_path.read_text())
    for key in ("manifest_sha256", "form", "keys_sha256", "keys_probe", "replaces", "origin"):
        document.pop(key)
    landing.manifest_path.write_text(json.dumps(document))
    landing.keys_path.unlink()


def judge_one(connection: duckdb.DuckDBPyConnection, record_id: str) -> None:
    connection.execute(
        "CREATE TEMP TABLE judged AS SELECT 1 AS position, hash(?::VARCHAR) AS key", [record_id]
    )


def found_ids(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT record_id FROM landed_rows").fetchall()]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def damages(path: Path, times: int = TIMES) -> Iterator[None]:
    """Flip a bit of the file, or cut it, each time another one; at the end it is as before."""
    sound, chance = path.read_bytes(), random.Random(20261122)
    for number in range(times):
        content = bytearray(sound)
        place = chance.randrange(len(content))
        if number % 5:
            content[place] ^= 1 << chance.randrange(8)
        else:
            del content[place:]
        path.write_bytes(bytes(content))
        yield
    path.write_bytes(sound)
