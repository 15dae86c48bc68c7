"""Landing: good rows land typed, bad ones are set aside with their reasons, nothing lands twice or by half."""

import json
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from data_contracts.contracts import load_contract
from data_contracts.errors import InputError
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing import writer
from pipelines.landing.judging import Counts
from pipelines.landing.manifest import list_landings, read_manifest, verify
from pipelines.landing.staging import Delivery, open_stage, stage_records
from pipelines.landing.writer import Landed, Prepared, commit, land_records, prepare, quarantine_path

NOON = datetime.fromisoformat("2026-10-30T12:00")
Make = Callable[..., dict[str, str | None]]
Land = Callable[..., Landed]
Rows = Callable[[Landed, str], list[tuple[Any, ...]]]


def test_good_rows_land_in_the_types_of_the_contract(land: Land, rows: Rows, consent: Make) -> None:
    landed = land(consent(1), consent(2, occurred_at="2026-10-02T10:11:12.5"))
    assert landed.counts.accepted == 2
    assert rows(landed, "source_record_id, occurred_at, received_at, phone") == [
        ("consent/1", datetime(2026, 10, 1, 9), NOON, None),
        ("consent/2", datetime(2026, 10, 2, 10, 11, 12, 500_000), NOON, None),
    ]


def test_a_landed_file_has_the_contracts_columns_and_says_which_file_each_row_is_from(
    land: Land, consent: Make
) -> None:
    landing = land(consent(1)).landing
    with duckdb.connect() as connection:
        found = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(landing.path)]).fetchall()
    types = {name: kind for name, kind, *_ in found}
    assert types == load_contract("consents").duckdb_columns() | {
        "row_hash": "VARCHAR",
        "landing_id": "VARCHAR",
    }
    assert landing.columns == tuple(types)


def test_a_manifest_says_what_was_landed_and_is_read_back_whole(
    land: Land, consent: Make, settings: Settings
) -> None:
    landing = land(consent(1), consent(2, action="maybe")).landing
    assert list_landings(settings) == [landing] == list_landings(settings, "consents")
    assert list_landings(settings, "purchases") == []
    assert (landing.rows_in, landing.accepted, landing.quarantined) == (2, 1, 1)
    assert landing.contract_hash == load_contract("consents").hash
    verify(landing)


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"action": "maybe"}, ["action_allowed"]),
        ({"action": None}, ["action_present"]),
        ({"occurred_at": "yesterday"}, ["occurred_at_type"]),
        ({"occurred_at": "2026-02-30 10:00:00"}, ["occurred_at_type"]),
        ({"occurred_at": "2026-10-01 10:00:00+02:00"}, ["occurred_at_type"]),
        ({"occurred_at": "1969-12-31 23:59:59"}, ["occurred_at_range"]),
        ({"email": None}, ["names_somebody"]),
        ({"source_record_id": "line/1"}, ["source_record_id_form"]),
        ({"source": "My Shop", "channel": "fax"}, ["source_form", "channel_allowed"]),
    ],
)
def test_a_row_that_breaks_a_rule_is_set_aside_with_every_reason(
    land: Land, consent: Make, settings: Settings, changes: dict[str, str | None], reasons: list[str]
) -> None:
    landed = land(consent(1), consent(2, **changes))
    assert (landed.counts.accepted, landed.counts.quarantined) == (1, 1)
    assert landed.counts.reasons == dict.fromkeys(sorted(reasons), 1)
    with duckdb.connect() as connection:
        path = str(quarantine_path(settings, landed.landing))
        found = connection.execute("SELECT reasons, raw_record FROM read_parquet(?)", [path]).fetchall()
    assert found == [(reasons, "{}")]


@pytest.mark.parametrize("text", ["1.5", "1e3", "0x10", "1_000", "one", "", " 2", "99999999999999999999"])
def test_what_does_not_look_like_a_whole_number_is_never_rounded_or_read_as_missing(
    land: Land, text: str
) -> None:
    product = {
        "source": "shop", "source_record_id": "product/1", "occurred_at": "2026-10-01 09:00:00", "product_id": "1",
        "name": "Bell", "currency": "GBP", "price_minor": text,
    }  # fmt: skip
    counts = land(product, table="products").counts
    assert counts.quarantined == (0 if text == "" else 1)
    assert counts.reasons == ({} if text == "" else {"price_minor_type": 1})


def test_the_same_file_lands_nothing_the_second_time(land: Land, consent: Make, settings: Settings) -> None:
    first = land(consent(1), consent(2, action="maybe"))
    again = land(consent(1), consent(2, action="maybe"))
    assert again.repeated
    assert again.landing == first.landing
    assert (again.counts.rows_in, again.counts.quarantined, again.counts.already_landed) == (2, 1, 1)
    assert again.counts.reasons == {"action_allowed": 1}
    assert len(list_landings(settings)) == 1


def test_the_same_row_in_another_file_lands_nothing(land: Land, consent: Make) -> None:
    land(consent(1), consent(2))
    counts = land(consent(2), consent(3)).counts
    assert (counts.accepted, counts.already_landed, counts.changed) == (1, 1, 0)


def test_a_record_that_changed_lands_again_as_a_newer_version(land: Land, consent: Make, rows: Rows) -> None:
    old = land(consent(1), consent(2))
    new = land(consent(1), consent(2, action="revoke"))
    assert (new.counts.accepted, new.counts.changed, new.counts.already_landed) == (1, 1, 1)
    assert rows(new, "action, received_at > ?".replace("?", f"TIMESTAMP '{NOON}'")) == [("revoke", True)]
    assert new.landing.received_at > old.landing.received_at


def test_a_pinned_clock_still_tells_which_version_is_newer(land: Land, consent: Make) -> None:
    moments = [land(consent(1, method=str(number))).landing.received_at for number in range(3)]
    assert moments == [NOON, NOON + timedelta(milliseconds=1), NOON + timedelta(milliseconds=2)]


def test_another_wording_of_the_vendors_record_alone_is_no_change(land: Land, consent: Make) -> None:
    land(consent(1, raw_record='{"a": 1}'))
    assert land(consent(1, raw_record='{"a": "1"}')).counts.already_landed == 1


def test_identical_rows_of_one_file_land_once(land: Land, consent: Make) -> None:
    counts = land(consent(1), consent(1), consent(2)).counts
    assert (counts.rows_in, counts.accepted, counts.already_landed) == (3, 2, 1)


def test_a_record_that_stands_twice_with_different_content_is_set_aside_but_for_the_last(
    land: Land, consent: Make, rows: Rows
) -> None:
    landed = land(consent(1, method="first"), consent(2), consent(1, method="last"))
    assert landed.counts.reasons == {"record_stands_once": 1}
    assert (landed.counts.accepted, landed.counts.changed) == (2, 0)
    assert rows(landed, "method") == [("last",), (None,)]


def test_where_versions_are_allowed_all_of_them_land_in_their_order(land: Land, rows: Rows) -> None:
    shipment = {
        "source": "shop", "source_record_id": "shipment/1", "occurred_at": "2026-10-01 09:00:00", "shipment_id": "1",
        "order_id": "7",
    }  # fmt: skip
    states = ["created", "in_transit", "delivered"]
    landed = land(*({**shipment, "status": state} for state in states), table="shipments")
    assert (landed.counts.accepted, landed.counts.changed) == (3, 2)
    assert [status for (status,) in rows(landed, "status")] == states


def test_an_older_version_in_front_of_the_one_that_landed_does_not_come_back(land: Land) -> None:
    shipment = {
        "source": "shop", "source_record_id": "shipment/1", "occurred_at": "2026-10-01 09:00:00", "shipment_id": "1",
        "order_id": "7",
    }  # fmt: skip
    land({**shipment, "status": "delivered"}, table="shipments")
    counts = land(
        {**shipment, "status": "created"}, {**shipment, "status": "delivered"}, table="shipments"
    ).counts
    assert (counts.accepted, counts.already_landed, counts.reasons) == (0, 1, {"overtaken": 1})


def test_rows_in_always_close(land: Land, consent: Make) -> None:
    records = [
        consent(1),
        consent(1),
        consent(2, action="maybe"),
        consent(3, method="a"),
        consent(3, method="b"),
    ]
    for landed in (land(*records), land(*records, consent(4)), land(*records)):
        counts = landed.counts
        assert counts.rows_in == counts.accepted + counts.quarantined + counts.already_landed


def test_another_mapping_of_the_same_file_lands_beside_the_first(
    land: Land, consent: Make, settings: Settings
) -> None:
    land(consent(1))
    second = land(consent(1), mapping="better")
    assert (second.repeated, second.counts.already_landed) == (False, 1)
    assert len({landing.landing_id for landing in list_landings(settings)}) == 2


def test_no_records_at_all_land_as_an_empty_file(land: Land) -> None:
    landing = land().landing
    assert (landing.rows_in, landing.accepted) == (0, 0)
    verify(landing)


def test_hostile_text_lands_as_it_is(land: Land, consent: Make, rows: Rows) -> None:
    words = "'); DROP TABLE staged; -- \" {} ? $1 \\N \u202e"
    assert rows(land(consent(1, wording=words)), "wording") == [(words,)]


def test_a_flipped_bit_or_a_missing_file_is_found(land: Land, consent: Make) -> None:
    landing = land(consent(1)).landing
    content = bytearray(landing.path.read_bytes())
    content[len(content) // 2] ^= 1
    landing.path.write_bytes(bytes(content))
    with pytest.raises(InputError, match="its hash differs"):
        verify(landing)
    landing.path.unlink()
    with pytest.raises(InputError, match="is missing"):
        verify(landing)


def test_a_damaged_manifest_is_refused_with_its_mend(land: Land, consent: Make) -> None:
    landing = land(consent(1)).landing
    landing.manifest_path.write_text("{")
    with pytest.raises(InputError, match=r"is damaged\. Delete it and ingest"):
        read_manifest(landing.manifest_path)


@pytest.mark.parametrize("step", ["write_quarantine", "_write_rows", "write_keys", "publish"])
def test_a_landing_that_fails_at_any_step_leaves_nothing_and_the_next_one_is_right(
    settings: Settings, consent: Make, land: Land, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(writer, step, fail)
        with pytest.raises(OSError, match="disk full"):
            land(consent(1), consent(2, action="maybe"))
    assert list_landings(settings) == []
    counts = land(consent(1), consent(2, action="maybe")).counts
    assert (counts.accepted, counts.quarantined) == (1, 1)
    assert _files(settings.home) == _expected(list_landings(settings)[0].landing_id)


def test_what_a_killed_landing_left_is_swept_away(settings: Settings, consent: Make, land: Land) -> None:
    folder = settings.landing_dir / "shop" / "consents"
    folder.mkdir(parents=True)
    (folder / "0123456789abcdef.parquet").write_bytes(b"no manifest was ever written")
    (folder / ".0123456789abcdef.parquet.part").write_bytes(b"half")
    landing = land(consent(1)).landing
    left = sorted(path.name for path in folder.iterdir())
    assert left == [landing.keys_path.name, landing.manifest_path.name, landing.path.name]


def test_personal_data_stands_in_no_manifest(settings: Settings, consent: Make, land: Land) -> None:
    landing = land(
        consent(1, email="canary@example.com"), consent(2, email="canary@example.com", action="x")
    ).landing
    assert "canary" not in landing.manifest_path.read_text()
    assert json.loads(landing.manifest_path.read_text())["accepted"] == 1


def test_another_source_knows_nothing_of_the_first(
    settings: Settings, clock: Clock, consent: Make, land: Land
) -> None:
    land(consent(1))
    other = Delivery("other_shop", "consents", "x.csv", "0" * 64, "test")
    assert land_records(settings, clock, other, [consent(1, source="other_shop")]).counts.accepted == 1


def test_parts_of_one_delivery_that_feed_the_same_table_know_what_the_others_bring(
    settings: Settings, clock: Clock, chat: Make
) -> None:
    first = [chat(1), chat(2), chat(3, author_kind="nobody"), chat(5, body="old")]
    second = [chat(2), chat(3), chat(4), chat(5, body="new")]
    third = [chat(1), chat(4), chat(5, body="old")]
    counts = _land_parts(settings, clock, first, second, third)
    assert [(each.accepted, each.quarantined, each.already_landed, each.changed) for each in counts] == [
        (3, 1, 0, 0),
        (3, 0, 1, 1),  # of message 3 nothing good had come before
        (0, 0, 3, 0),
    ]


def test_what_parts_bring_twice_is_the_same_as_if_they_had_come_one_by_one(
    settings: Settings, clock: Clock, consent: Make, tmp_path: Path
) -> None:
    parts = [[consent(1), consent(2)], [consent(2), consent(1, method="form")], [consent(1), consent(3)]]
    together = _land_parts(settings, clock, *parts)
    apart = settings.model_copy(update={"home": tmp_path / "apart"})
    assert together == [
        _land_parts(apart, clock, part, name=f"{place}")[0] for place, part in enumerate(parts)
    ]


def test_a_part_that_had_landed_before_takes_nothing_from_the_others(
    settings: Settings, clock: Clock, consent: Make
) -> None:
    _land_parts(settings, clock, [consent(1)])
    counts = _land_parts(settings, clock, [consent(1)], [consent(1), consent(2)])
    assert [(each.accepted, each.already_landed) for each in counts] == [(0, 1), (1, 1)]


def _land_parts(
    settings: Settings, clock: Clock, *parts: list[dict[str, str | None]], name: str = "x"
) -> list[Counts]:
    """Land records as parts of one delivery, each read by a mapping of its own."""
    table = "chat_messages" if "message_id" in parts[0][0] else "consents"
    prepared: list[Prepared] = []
    with ExitStack() as stack:
        for place, records in enumerate(parts):
            connection = stack.enter_context(closing(open_stage(settings)))
            stage_records(connection, load_contract(table), records)
            delivery = Delivery("shop", table, "x.json", f"{name:0>64}", f"mapping {place}")
            prepared.append(prepare(connection, settings, clock, delivery, tuple(prepared)))
        landed = commit(settings, prepared)
    for each in landed:
        verify(each.landing)
    return [each.counts for each in landed]


def _files(home: Path) -> list[str]:
    return sorted(path.name for path in home.rglob("*") if path.is_file() and path.name != ".lock")


def _expected(landing_id: str) -> list[str]:
    ends = ["parquet", "parquet", "manifest.json", "keys", "seal.json"]
    return sorted(f"{landing_id}.{end}" for end in ends)


def test_a_file_that_needs_one_that_is_damaged_is_told_what_to_do(land: Land, consent: Make) -> None:
    land(consent(1)).landing.path.write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"its hash differs\. Ingest consents\.csv again"):
        land(consent(1, method="paper"), consent(2))
    assert land(consent(3)).counts.accepted == 1  # needs nothing of it
