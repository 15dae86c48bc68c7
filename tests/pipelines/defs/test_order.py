"""The same records in any order, number of copies and split into files give the same view at the same moment."""

import hashlib
import random
from pathlib import Path

import pytest

from messaging.clock import Clock
from messaging.release import ReleaseReader
from messaging.settings import Settings, read_settings
from pipelines.defs.build import run_build
from pipelines.landing.manifest import list_landings

from .conftest import Record, consent, land, purchase, text_message


def sale(number: int, **columns: str) -> Record:
    person = number % 5
    return purchase(number, email=f"person{person}@example.com", phone=f"+44770090000{person}", **columns)


FIRST = [sale(number) for number in range(1, 13)]
SECOND = [sale(number) for number in range(8, 21)]  # five of them stand in the first file too
LATE = [sale(number, occurred_at=f"2026-09-{number:02d} 10:00:00") for number in range(21, 26)]  # 30 days
CORRECTED = [sale(5, quantity="3", net_amount_minor="1800"), sale(9, net_amount_minor="1100")]
TEXTS = [text_message(number, "Where is my order?", f"+44770090000{number % 5}") for number in range(1, 9)]
CONSENTS = [consent(number, "grant", email=f"person{number % 5}@example.com") for number in range(1, 6)]
OTHERS = (("sms_messages", TEXTS), ("consents", CONSENTS))


def shuffled(records: list[Record], chance: random.Random) -> list[Record]:
    return chance.sample(records, len(records))


def land_in_order(settings: Settings, clock: Clock) -> None:
    for table, records in (*OTHERS, *(("purchases", each) for each in (FIRST, SECOND, LATE, CORRECTED))):
        land(settings, clock, table, records)


def land_three_times_shuffled(settings: Settings, clock: Clock, chance: random.Random) -> None:
    """Land each file three times, its rows in another order each time, the late one first, what was corrected again at the end."""
    files = [("purchases", FIRST), ("purchases", SECOND), ("purchases", LATE), *OTHERS]
    for table, records in reversed(files):
        land(settings, clock, table, shuffled(records, chance))
    land(settings, clock, "purchases", CORRECTED)
    for table, records in chance.sample(files * 2, len(files) * 2):
        land(settings, clock, table, shuffled(records, chance))


def view_hash(settings: Settings) -> str:
    """Hash customer_360 but for the ids, which are given at random once in each home."""
    reader = ReleaseReader(settings.releases_dir)
    try:
        with reader.snapshot() as snapshot:
            rows = snapshot.rows("SELECT * FROM c360.customer_360")
    finally:
        reader.close()
    assert len(rows) == 5
    told = sorted(repr({name: row[name] for name in sorted(row) if name != "customer_id"}) for row in rows)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


@pytest.fixture
def other(tmp_path: Path) -> Settings:
    return read_settings(home=tmp_path / "other")


@pytest.mark.timeout(900)  # two whole builds
def test_files_out_of_order_late_and_three_times_over_give_the_same_view(
    settings: Settings, other: Settings, clock: Clock
) -> None:
    chance = random.Random(20261122)
    land_in_order(settings, clock)
    run_build(settings, clock)
    land_three_times_shuffled(other, clock, chance)
    run_build(other, clock)
    assert view_hash(other) == view_hash(settings)


def test_what_landed_lands_no_row_again_in_whatever_order_and_files_it_comes(
    settings: Settings, clock: Clock
) -> None:
    land_in_order(settings, clock)
    rows = sum(landing.accepted for landing in list_landings(settings))
    land_three_times_shuffled(settings, clock, random.Random(20261122))
    assert sum(landing.accepted for landing in list_landings(settings)) == rows == 20 + 5 + 2 + 8 + 5
