"""Taking files in: what is reported, what a folder is, and what a killed ingest leaves."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from messaging.settings import Settings
from pipelines.landing.manifest import list_landings, verify
from pipelines.sources.report import IngestReport

Take = Callable[..., IngestReport]
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
INGEST = """
import sys
from pathlib import Path
from messaging.clock import Clock
from messaging.settings import read_settings
from pipelines.sources.intake import ingest
ingest(read_settings(home=Path(sys.argv[1])), Clock(), "purchases", [Path(sys.argv[2])], "online_retail")
"""


def invoices(path: Path, count: int) -> Path:
    lines = (f"{n},{n % 9},THING,{n % 7 + 1},12/1/2010 8:26,2.55,{n % 50},France\n" for n in range(count))
    path.write_text(HEADER + "".join(lines))
    return path


def test_the_report_adds_up_and_is_plain_data(tmp_path: Path, take: Take) -> None:
    path = invoices(tmp_path / "a.csv", 5)
    path.write_text(path.read_text() + "9,1,THING,two,12/1/2010 8:26,2.55,1,France\n" * 2)
    document: dict[str, Any] = take("purchases", path, mapping="online_retail").to_document()
    assert (document["rows_in"], document["accepted"], document["quarantined"]) == (7, 5, 2)
    assert document["reasons"] == {"net_amount_minor_type": 2, "quantity_type": 2}
    assert document["files"][0]["path"] == str(path)
    assert (document["source"], list(document["tables"])) == ("online_retail", ["purchases"])


def test_files_of_a_folder_land_one_by_one_where_a_mapping_reads_them(
    tmp_path: Path, take: Take, settings: Settings
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    invoices(folder / "b.csv", 10)
    invoices(folder / "a.csv", 5)
    report = take("purchases", folder, mapping="online_retail")
    assert [file.path.name for file in report.files] == ["a.csv", "b.csv"]
    assert (report.accepted, report.already_landed) == (10, 5)


def test_the_same_rows_in_another_format_are_the_same_rows(tmp_path: Path, take: Take) -> None:
    import duckdb

    path = invoices(tmp_path / "a.csv", 20)
    take("purchases", path, mapping="online_retail")
    other = tmp_path / "b.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT * REPLACE (strptime(InvoiceDate, '%m/%d/%Y %H:%M') AS InvoiceDate) FROM read_csv(?,"
            " types = {'InvoiceDate': 'VARCHAR', 'InvoiceNo': 'VARCHAR'})) TO ? (FORMAT parquet)",
            [str(path), str(other)],
        )
    report = take("purchases", other, mapping="online_retail")
    assert (report.accepted, report.already_landed) == (0, 20)


def test_a_copy_under_another_name_is_the_same_file(tmp_path: Path, take: Take, settings: Settings) -> None:
    take("purchases", invoices(tmp_path / "a.csv", 5), mapping="online_retail")
    report = take("purchases", invoices(tmp_path / "copy.csv", 5), mapping="online_retail")
    assert report.files[0].repeated
    assert len(list_landings(settings)) == 1


@pytest.mark.slow
def test_a_killed_ingest_leaves_nothing_half_landed_and_the_next_one_is_right(
    tmp_path: Path, take: Take, settings: Settings
) -> None:
    path = invoices(tmp_path / "a.csv", 200_000)
    command = [sys.executable, "-c", INGEST, str(settings.home), str(path)]
    started = time.monotonic()
    subprocess.run(command, check=True, env=_environment())  # how long does a whole one take?
    lasts = time.monotonic() - started
    (whole,) = list_landings(settings)
    whole.manifest_path.unlink()  # as if it had been killed right before the last step
    for share in (0.3, 0.6, 0.75, 0.85, 0.95):
        process = subprocess.Popen(command, env=_environment())
        time.sleep(lasts * share)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for landing in list_landings(settings):  # what has a manifest is whole
            verify(landing)
            landing.manifest_path.unlink()
    report = take("purchases", path, mapping="online_retail")
    assert (report.rows_in, report.accepted, report.quarantined) == (200_000, 200_000, 0)
    (landing,) = list_landings(settings)
    verify(landing)
    assert [file.name for file in landing.path.parent.iterdir() if file.suffix == ".part"] == []


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
