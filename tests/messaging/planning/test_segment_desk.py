"""What the page of segments asks: sizes, people as somebody may see them, movements, and an export that is kept track of."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from data_contracts.errors import InputError, SegmentError
from messaging import audit
from messaging.access import HIDDEN, Sight
from messaging.campaigns import Library, fill_library
from messaging.clock import Clock
from messaging.customers import Customers
from messaging.desk.segments import (
    count_behind,
    counted,
    exported,
    history,
    listed,
    moved,
    overlapping,
    previewed,
    remove_list,
    upload_list,
    uploaded_lists,
    used_by,
)
from messaging.desk.writing import Desk
from messaging.settings import Settings
from messaging.store import Store

EVERYTHING = Sight(names=True, contacts=True, wrote=True)
MARKETER = Sight(names=True, contacts=False, wrote=True)
ENGINEER = Sight(names=False, contacts=False, wrote=False)
HOSTILE = "=HYPERLINK(1) <script>"


@pytest.fixture
def desk(
    settings: Settings,
    store: Store,
    customers: Customers,
    clock: Clock,
    publish: Callable[..., str],
    make_person: Callable[..., dict[str, Any]],
) -> Desk:
    people = [make_person(number) for number in range(4)]
    people[0] |= {"display_name": HOSTILE}
    people[1] |= {"display_name": people[1]["email"], "given_name": None, "family_name": None}
    publish(customer_360=[*people[:3], people[3] | {"lifecycle_stage": "active"}])
    publish(customer_360=[people[0], people[1], people[2] | {"lifecycle_stage": "active"}, people[3]])
    fill_library(settings)
    return Desk(settings, store, customers, Library(settings.library_dir), clock)


def audited(desk: Desk, action: str) -> list[dict[str, Any]]:
    with desk.store.read() as connection:
        return audit.newest(connection, 99, action=action)


LAPSED = "where: {column: lifecycle_stage, test: '=', value: lapsed}"


def test_people_are_shown_as_each_role_may_see_them_and_who_looked_is_taken_down(desk: Desk) -> None:
    segment = desk.library.segment("made", "where: {column: email, test: is not null}")
    everything = previewed(desk, segment, 9, sight=EVERYTHING, actor="ann")
    marketer = previewed(desk, segment, 9, sight=MARKETER, actor="mia")
    engineer = previewed(desk, segment, 9, sight=ENGINEER, actor="eve")
    assert everything[0]["email"] in {row["email"] for row in everything}
    assert all("@example.com" in row["email"] for row in everything)
    for rows in (marketer, engineer):  # an address in the place of a name is an address
        assert not any("example" in str(value) for row in rows for value in row.values())
    assert HOSTILE in {row["display_name"] for row in marketer}
    assert HOSTILE not in {row["display_name"] for row in engineer}
    told = audited(desk, "segment.preview")
    assert [(each["actor"], each["subject"]) for each in told] == [
        (who, "made") for who in ("eve", "mia", "ann")
    ]


def test_an_export_is_masked_safe_in_a_spreadsheet_and_audited_before_it_is_given(desk: Desk) -> None:
    path = desk.library.folder / "segments" / "made.yaml"
    path.write_text(LAPSED)
    export = exported(desk, "made", sight=MARKETER, actor="mia")
    rows = list(csv.DictReader(io.StringIO(export.text, newline="")))
    assert export.people == len(rows) == 3
    assert {"customer_id", "display_name", "email", "lifecycle_stage"} <= set(rows[0])
    assert f"'{HOSTILE}" in {row["display_name"] for row in rows}
    assert "example" not in export.text
    assert "@example.com" in exported(desk, "made", sight=EVERYTHING, actor="ann").text
    assert ENGINEER.name("Ada Lovelace") in exported(desk, "made", sight=ENGINEER, actor="eve").text
    (last, *_) = audited(desk, "segment.export")
    assert (last["actor"], last["subject"], last["detail"]["people"]) == ("eve", "made", 3)
    assert export.file == "made-2026-10-30.csv"


def test_the_list_tells_sizes_who_changed_what_and_a_file_that_is_wrong_spoils_no_other(desk: Desk) -> None:
    folder = desk.library.folder / "segments"
    (folder / "broken.yaml").write_text("where: {column: nothing}")
    (folder / "gone.yaml").write_text("where: {list: never_uploaded}")
    done = count_behind(desk, ["lapsed_customers", "gone"], 60)
    found = {each.name: each for each in listed(desk)}
    lapsed = found["lapsed_customers"]
    assert lapsed.size is not None
    assert (lapsed.size.matched, lapsed.size.people) == (
        counted(desk, desk.library.segment(lapsed.name)).matched,
        4,
    )
    assert isinstance(found["broken"].trouble, SegmentError)
    assert "never_uploaded" in str(done["gone"])
    assert "Win back lapsed customers" in used_by(desk, "lapsed_customers")
    assert len(history(desk, desk.library.segment("lapsed_customers"))) == 1


def test_who_came_and_left_is_named_and_segments_are_laid_over_one_another(desk: Desk) -> None:
    segment = desk.library.segment("made", LAPSED)
    movement = moved(desk, segment, 5, sight=ENGINEER, actor="eve")
    assert movement is not None
    assert (len(movement.changes.entered), len(movement.changes.left)) == (1, 1)
    assert set(movement.names.values()) == {"A. L."}
    everybody = desk.library.segment("all_of_them", "where: {column: email, test: is not null}")
    laid = overlapping(desk, [segment, everybody])
    assert laid.pairs == {("made", "all_of_them"): 3}
    assert audited(desk, "segment.changes")[0]["detail"] == {"shown": 2}


def test_a_list_is_uploaded_from_bytes_counted_and_removed(desk: Desk) -> None:
    raw = f"customer_id\ncus_{0:032x}\ncus_nobody\n".encode()
    with pytest.raises(InputError, match=r"fair.csv has no column"):
        upload_list(desk, "fair", b"a,b\n1,2\n", "fair.csv", None, actor="mia")
    uploaded = upload_list(desk, "fair", raw, "fair.csv", None, actor="mia")
    assert (uploaded.matched, uploaded.unknown_lines) == (1, (3,))
    segment = desk.library.segment("made", "where: {list: fair}")
    assert counted(desk, segment, keep=True).matched == 1
    assert [each.name for each in uploaded_lists(desk)] == ["fair"]
    remove_list(desk, "fair", actor="mia")
    assert uploaded_lists(desk) == []
    assert HIDDEN not in uploaded.uploaded_by
