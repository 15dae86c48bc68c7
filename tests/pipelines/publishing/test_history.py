"""What we knew of each customer, and when: one row a change, and never another word about what was known before."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.errors import BuildError
from messaging.store.ids import new_id
from pipelines.publishing import history
from pipelines.publishing.history import Recorded, Telling, record_history, remembered_columns
from pipelines.publishing.release import release_version
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.state import attached_state

NOON = datetime.fromisoformat("2026-10-30T12:00")
Stages = Mapping[str, str]  # the stage of each customer


class Teller:
    """Builds that tell of customers, one after the other, and what the history holds after them."""

    def __init__(self, folder: Path) -> None:
        self.build, self.state = folder / "build.duckdb", folder / "state.duckdb"
        self.stands: str | None = None

    def tell(
        self, day: int, stages: Stages, *, published: bool = True, merged: str = "", objects: str = ""
    ) -> Recorded:
        """Build on a day; one that is not published is a build whose release never came to stand."""
        with open_warehouse(self.build) as connection:
            connection.execute("CREATE SCHEMA IF NOT EXISTS marts")
            columns = ", ".join(
                f'"{name}" {kind}' for name, kind in remembered_columns().items() if name != "lifecycle_stage"
            )
            connection.execute(
                f"CREATE OR REPLACE TABLE marts.customer_360 (customer_id VARCHAR, lifecycle_stage VARCHAR, {columns})"
            )
            for customer, stage in stages.items():
                connection.execute(
                    "INSERT INTO marts.customer_360 (customer_id, lifecycle_stage, profiling_objected) VALUES (?, ?, ?)",
                    [customer, stage, customer == objects],
                )
            with attached_state(connection, self.state):
                if merged:
                    connection.execute(
                        "INSERT INTO state.identity_alias VALUES (?, 'cus_other', ?, 'merged')",
                        [merged, NOON],
                    )
        build_id, as_of = new_id("bld"), NOON + timedelta(days=day)
        version = release_version(as_of, build_id)
        found = record_history(self.build, self.state, Telling(build_id, as_of, version), self.stands)
        if published:
            self.stands = version
        return found

    def rows(self) -> Any:
        """Read what is published; moments are days after the first."""
        with open_warehouse(self.build, read_only=True) as connection:
            found = connection.execute(
                "SELECT customer_id, lifecycle_stage, valid_from, valid_to, what_changed, ended_as FROM warehouse.customer_360_history ORDER BY customer_id, build_id"
            ).fetchall()
        return [
            tuple((item - NOON).days if isinstance(item, datetime) else item for item in row) for row in found
        ]

    def known(self, customer: str, day: int) -> str | None:
        """Ask the history what was known of a customer on a day."""
        for who, stage, since, until, *_ in self.rows():
            if who == customer and since <= day and (until is None or until > day):
                return str(stage)
        return None


@pytest.fixture
def teller(tmp_path: Path) -> Teller:
    return Teller(tmp_path)


def test_a_change_ends_what_was_known_and_says_which_columns_it_was(teller: Teller) -> None:
    assert teller.tell(0, {"cus_a": "new"}) == Recorded(first=1)
    assert teller.tell(1, {"cus_a": "active"}) == Recorded(changed=1)
    assert teller.rows() == [
        ("cus_a", "new", 0, 1, None, "changed"),
        ("cus_a", "active", 1, None, "lifecycle_stage", None),
    ]


def test_a_build_that_knows_nothing_new_leaves_no_row(teller: Teller) -> None:
    teller.tell(0, {"cus_a": "new"})
    assert teller.tell(1, {"cus_a": "new"}) == Recorded()
    assert teller.rows() == [("cus_a", "new", 0, None, None, None)]


def test_of_who_objects_to_profiling_only_what_holds_now_is_published(teller: Teller) -> None:
    teller.tell(0, {"cus_a": "new", "cus_b": "new"})
    teller.tell(1, {"cus_a": "active", "cus_b": "active"}, objects="cus_a")
    assert [row[:4] for row in teller.rows()] == [
        ("cus_a", "active", 1, None),
        ("cus_b", "new", 0, 1),
        ("cus_b", "active", 1, None),
    ]


def test_who_was_merged_and_who_is_gone_end_each_in_their_own_way(teller: Teller) -> None:
    teller.tell(0, {"cus_a": "new", "cus_b": "new", "cus_c": "new"})
    assert teller.tell(1, {"cus_a": "new"}, merged="cus_b") == Recorded(ended=2)
    ended = {who: (until, ended) for who, _, _, until, _, ended in teller.rows()}
    assert ended == {"cus_a": (None, None), "cus_b": (1, "merged"), "cus_c": (1, "gone")}


def test_whoever_comes_back_has_a_gap_in_which_nothing_was_known(teller: Teller) -> None:
    for day, stages in enumerate(({"cus_a": "new"}, {}, {"cus_a": "new"})):
        teller.tell(day, stages)
    assert [teller.known("cus_a", day) for day in (0, 1, 2)] == ["new", None, "new"]


def test_a_build_that_looks_back_leaves_no_row_and_says_so(teller: Teller) -> None:
    teller.tell(0, {"cus_a": "new"})
    teller.tell(5, {"cus_a": "active"})
    before = teller.rows()
    found = teller.tell(3, {"cus_a": "lapsed"})
    assert found.note.startswith("This build looks back to 2026-11-02 12:00, before the 2026-11-04 12:00")
    assert teller.rows() == before
    assert teller.tell(6, {"cus_a": "active"}) == Recorded()  # and what it told is not missed by the next


def test_what_a_release_told_that_never_came_to_stand_is_taken_back(teller: Teller) -> None:
    teller.tell(0, {"cus_a": "new"})
    teller.tell(1, {"cus_a": "active", "cus_b": "new"}, published=False)
    assert teller.tell(2, {"cus_a": "new"}) == Recorded()
    assert teller.rows() == [("cus_a", "new", 0, None, None, None)]


def test_of_one_customer_the_newest_versions_are_kept(
    teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "VERSIONS_KEPT", 4)
    monkeypatch.setattr(history, "VERSIONS_PUBLISHED", 3)
    for day in range(7):
        teller.tell(day, {"cus_a": "active" if day % 2 else "new", "cus_b": "new"})
    assert [row[2] for row in teller.rows() if row[0] == "cus_a"] == [4, 5, 6]
    assert [row[2] for row in teller.rows() if row[0] == "cus_b"] == [0]


def test_what_was_known_when_each_month_began_outlasts_the_versions_kept(
    teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "VERSIONS_KEPT", 3)
    monkeypatch.setattr(history, "VERSIONS_PUBLISHED", 3)
    for day in range(100):  # from 30 October, at noon: December begins on the 32nd midnight after it
        teller.tell(day, {"cus_a": f"stage {day}"})
    assert kept(teller) == [1, 31, 62, 93, 97, 98, 99]
    # in March 2028, of the year before which nothing but what stood is left to tell
    teller.tell(500, {"cus_a": "back"})
    teller.tell(501, {"cus_a": "gone"})
    assert kept(teller) == [99, 500, 501]


def kept(teller: Teller) -> list[int]:
    """Give the days, after the first, of the versions that the state holds."""
    with open_warehouse(teller.build) as connection, attached_state(connection, teller.state):
        found = connection.execute("SELECT valid_from FROM state.customer_history ORDER BY 1").fetchall()
    return [(moment - NOON).days for (moment,) in found]


def test_what_ended_three_years_ago_is_forgotten(teller: Teller) -> None:
    teller.tell(0, {"cus_a": "new"})
    teller.tell(1, {"cus_a": "active"})
    teller.tell(1097, {"cus_a": "active"})
    assert len(teller.rows()) == 2
    teller.tell(1098, {"cus_a": "active"})
    assert teller.rows() == [("cus_a", "active", 1, None, "lifecycle_stage", None)]


def test_a_column_that_is_remembered_from_now_on_was_not_known_before(
    teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = remembered_columns()
    monkeypatch.setattr(
        history,
        "remembered_columns",
        lambda: {name: kind for name, kind in columns.items() if name != "lifecycle_stage"},
    )
    teller.tell(0, {"cus_a": "new"})
    monkeypatch.setattr(history, "remembered_columns", lambda: columns)
    assert teller.tell(1, {"cus_a": "new"}) == Recorded(changed=1)
    assert [(row[1], row[4]) for row in teller.rows()] == [(None, None), ("new", "lifecycle_stage")]


def test_a_type_that_does_not_fit_what_was_known_is_refused_by_name(
    teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    teller.tell(0, {"cus_a": "new"})
    monkeypatch.setattr(history, "remembered_columns", lambda: {"lifecycle_stage": "BIGINT"})
    with pytest.raises(
        BuildError, match="history of lifecycle_stage holds VARCHAR values that are no BIGINT"
    ):
        teller.tell(1, {})


def test_the_history_holds_no_name_and_no_address() -> None:
    assert not remembered_columns().keys() & {
        *("given_name", "family_name", "display_name", "email", "phone"),
        *("birth_date", "street", "city", "postcode"),
    }


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["cus_a", "cus_b"]), st.sampled_from(["new", "active"])),
        min_size=1,
        max_size=5,
    )
)
def test_what_was_known_on_any_day_is_what_the_build_of_that_day_told(
    tmp_path_factory: pytest.TempPathFactory, told: list[dict[str, str]]
) -> None:
    teller = Teller(tmp_path_factory.mktemp("told"))
    for day, stages in enumerate(told):
        teller.tell(day, stages)
    for day, stages in enumerate(told):
        assert {who: teller.known(who, day) for who in ("cus_a", "cus_b")} == {
            who: stages.get(who) for who in ("cus_a", "cus_b")
        }
