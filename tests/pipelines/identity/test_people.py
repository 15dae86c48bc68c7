"""The identity step as a whole: what it writes, and that an id, once given, is never lost or swapped."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.errors import BuildError
from messaging.identity_decisions import Decision
from pipelines.identity.people import IdentityOrder, IdentityReport, resolve_people
from pipelines.warehouse.connection import open_warehouse

NEW_YEAR = datetime.fromisoformat("2026-01-01")
AS_OF = datetime.fromisoformat("2026-10-30T12:00")


@dataclass(frozen=True)
class Known:
    """A record and one identifier on it."""

    record: str
    type: str
    value: str
    at: datetime | None = NEW_YEAR
    table: str = "purchases"
    source: str = "shop"
    refused: str | None = None


def email(record: str, value: str, *, day: int = 1, table: str = "purchases") -> Known:
    """Say that a record of January 2026 carries an e-mail address."""
    return Known(record, "email", value, datetime.fromisoformat(f"2026-01-{day:02}"), table)


def phone(record: str, value: str, *, day: int = 1) -> Known:
    """Say that a record of January 2026 carries a phone number."""
    return Known(record, "phone", value, datetime.fromisoformat(f"2026-01-{day:02}"))


class Warehouse:
    """build.duckdb and state.duckdb in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.build = folder / "build.duckdb"
        self.state = folder / "state.duckdb"

    def prepare(self, known: Iterable[Known]) -> None:
        """Put evidence where dbt puts it, in place of what was there."""
        with open_warehouse(self.build) as connection:
            connection.execute("CREATE SCHEMA IF NOT EXISTS intermediate")
            connection.execute(
                "CREATE OR REPLACE TABLE intermediate.int_identity__identifiers (origin_table VARCHAR,"
                " source VARCHAR, source_record_id VARCHAR, occurred_at TIMESTAMP, identifier_type VARCHAR,"
                " value VARCHAR, match_key VARCHAR, refused_reason VARCHAR)"
            )
            rows = [(k.table, k.source, k.record, k.at, k.type, k.value, k.value, k.refused) for k in known]
            if rows:
                connection.executemany(
                    "INSERT INTO intermediate.int_identity__identifiers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
                )
            connection.execute(
                "CREATE OR REPLACE TABLE intermediate.int_identity__records AS"
                " SELECT any_value(origin_table) AS origin_table, source, source_record_id,"
                " min(occurred_at) AS occurred_at, NULL::VARCHAR AS given_name, NULL::VARCHAR AS family_name,"
                " NULL::DATE AS birth_date, NULL::VARCHAR AS street, NULL::VARCHAR AS city,"
                " NULL::VARCHAR AS postcode, NULL::VARCHAR AS country"
                " FROM intermediate.int_identity__identifiers GROUP BY source, source_record_id"
            )

    def resolve(self, known: Iterable[Known] | None = None, as_of: datetime = AS_OF) -> IdentityReport:
        """Run the identity step, on new evidence where it is given."""
        if known is not None:
            self.prepare(known)
        return resolve_people(self.build, self.state, as_of)

    def people(self) -> dict[str, str]:
        """Give the customer of each record."""
        return dict(self.rows("SELECT source_record_id, customer_id FROM identity.identity_map"))

    def aliases(self) -> dict[str, str]:
        """Give the customer that each alias leads to."""
        return dict(self.rows("SELECT old_customer_id, customer_id FROM identity.identity_alias"))

    def rows(self, query: str) -> list[tuple[str, ...]]:
        """Read the build."""
        with open_warehouse(self.build, read_only=True) as connection:
            return connection.execute(query).fetchall()

    def state_rows(self, query: str) -> list[tuple[str, ...]]:
        """Read the state."""
        with duckdb.connect(str(self.state), read_only=True) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path)


def test_records_that_share_a_key_get_one_customer_and_others_do_not(warehouse: Warehouse) -> None:
    report = warehouse.resolve([email("r1", "a@x"), email("r2", "a@x"), email("r3", "b@x")])
    people = warehouse.people()
    assert people["r1"] == people["r2"] != people["r3"]
    assert (report.records, report.identified, report.guests, report.people) == (3, 3, 0, 2)
    assert all(customer.startswith("cus_") and len(customer) == 36 for customer in people.values())


def test_a_guest_is_never_a_customer(warehouse: Warehouse) -> None:
    report = warehouse.resolve([Known("line/1", "order", "shop:1"), Known("line/2", "order", "shop:1")])
    assert (report.records, report.identified, report.guests, report.people) == (2, 0, 2, 0)
    assert warehouse.people() == {}


def test_an_order_belongs_to_whoever_one_of_its_lines_names(warehouse: Warehouse) -> None:
    order = [Known("line/1", "order", "shop:1"), Known("line/2", "order", "shop:1")]
    warehouse.resolve([*order, email("line/1", "a@x")])
    assert set(warehouse.people()) == {"line/1", "line/2"}


def test_a_device_ties_nobody_together_but_is_kept_with_its_customer(warehouse: Warehouse) -> None:
    kiosk = [Known(record, "device_id", "kiosk") for record in ("r1", "r2")]
    warehouse.resolve([email("r1", "a@x"), email("r2", "b@x"), *kiosk])
    assert len(set(warehouse.people().values())) == 2
    found = warehouse.rows(
        "SELECT value FROM identity.customer_identifiers WHERE identifier_type = 'device_id'"
    )
    assert found == [("kiosk",), ("kiosk",)]


def test_a_refused_value_ties_nobody_together_and_is_nobodys_address(warehouse: Warehouse) -> None:
    refused = [
        Known(record, "phone", "+440000000000", refused="placeholder") for record in ("r1", "r2", "r3")
    ]
    report = warehouse.resolve([email("r1", "a@x"), email("r2", "b@x"), *refused])
    assert len(set(warehouse.people().values())) == report.people == 2
    assert report.guests == 1
    assert report.blocked_values == 1
    assert warehouse.rows("SELECT * FROM identity.customer_identifiers WHERE identifier_type = 'phone'") == []


def test_the_best_address_is_stated_then_newest_then_most_frequent(warehouse: Warehouse) -> None:
    one_person = [Known(f"r{n}", "external_id", "shop:1") for n in range(1, 6)]
    warehouse.resolve(
        [
            *one_person,
            email("r1", "stated@x", day=1, table="contacts"),
            email("r2", "newer@x", day=9),
            phone("r3", "+442920180841", day=2),
            phone("r4", "+442920180842", day=3),
            phone("r5", "+442920180842", day=1),
        ]
    )
    best = warehouse.rows("SELECT value FROM identity.customer_identifiers WHERE is_best ORDER BY value")
    assert best == [("+442920180842",), ("shop:1",), ("stated@x",)]


def test_a_value_that_everybody_has_is_nobodys_address_though_a_few_may_share_one(
    warehouse: Warehouse,
) -> None:
    families = [phone("a1", "+442920180841"), phone("a2", "+442920180841"), phone("a3", "+442920180841")]
    accounts = [Known(f"a{n}", "external_id", f"shop:{n}") for n in (1, 2, 3)]
    kiosk = [phone(f"r{n}", "+442920180842") for n in range(25)]
    warehouse.resolve([*families, *accounts, *kiosk, *(email(f"r{n}", f"{n}@x") for n in range(25))])
    assert warehouse.rows("SELECT match_key, reason FROM identity.identity_blocked ORDER BY match_key") == [
        ("+442920180841", "shared"),
        ("+442920180842", "crowded"),
    ]
    found = warehouse.rows("SELECT value FROM identity.customer_identifiers WHERE identifier_type = 'phone'")
    assert found == [("+442920180841",)] * 3


def test_the_same_evidence_again_gives_the_same_ids(warehouse: Warehouse) -> None:
    known = [email("r1", "a@x"), email("r2", "a@x"), email("r3", "b@x")]
    first = warehouse.resolve(known)
    before = warehouse.people()
    second = warehouse.resolve(list(reversed(known)))
    assert warehouse.people() == before
    assert (first.new_customers, second.new_customers, second.merged_customers) == (2, 0, 0)


def test_ids_outlive_a_warehouse_that_is_built_afresh(warehouse: Warehouse) -> None:
    known = [email("r1", "a@x"), email("r2", "b@x")]
    warehouse.resolve(known)
    before = warehouse.people()
    warehouse.build.unlink()
    warehouse.resolve(known)
    assert warehouse.people() == before


def test_when_two_customers_turn_out_to_be_one_the_bigger_id_stays_and_the_other_leads_to_it(
    warehouse: Warehouse,
) -> None:
    known = [email("r1", "a@x"), email("r2", "a@x"), email("r3", "b@x")]
    warehouse.resolve(known)
    before = warehouse.people()
    report = warehouse.resolve([*known, phone("r1", "+442920180841"), phone("r3", "+442920180841")])
    assert set(warehouse.people().values()) == {before["r1"]}
    assert warehouse.aliases() == {before["r3"]: before["r1"]}
    assert (report.new_customers, report.merged_customers) == (0, 1)


def test_between_equals_the_older_id_stays(warehouse: Warehouse) -> None:
    warehouse.resolve([email("r1", "a@x")], as_of=datetime.fromisoformat("2026-01-01"))
    warehouse.resolve([email("r1", "a@x"), email("r2", "b@x")], as_of=datetime.fromisoformat("2026-02-01"))
    before = warehouse.people()
    warehouse.resolve(
        [email("r1", "a@x"), email("r2", "b@x"), phone("r1", "+442920180841"), phone("r2", "+442920180841")]
    )
    assert set(warehouse.people().values()) == {before["r1"]}


def test_when_one_customer_turns_out_to_be_two_the_bigger_part_keeps_the_id(warehouse: Warehouse) -> None:
    known = [email("r1", "a@x"), email("r2", "a@x"), email("r3", "b@x")]
    warehouse.resolve([*known, phone("r1", "+442920180841"), phone("r3", "+442920180841")])
    before = warehouse.people()
    report = warehouse.resolve(known)
    after = warehouse.people()
    assert after["r1"] == after["r2"] == before["r1"]
    assert after["r3"] not in set(before.values())
    assert (report.new_customers, report.merged_customers) == (1, 0)
    assert warehouse.aliases() == {}


def test_when_what_was_merged_parts_again_each_half_has_the_id_that_it_had(warehouse: Warehouse) -> None:
    known = [email("r1", "a@x"), email("r2", "a@x"), email("r3", "b@x")]
    warehouse.resolve(known)
    before = warehouse.people()
    warehouse.resolve([*known, phone("r1", "+442920180841"), phone("r3", "+442920180841")])
    report = warehouse.resolve(known)
    assert warehouse.people() == before
    assert warehouse.aliases() == {}
    assert (report.new_customers, report.split_customers) == (0, 1)
    assert warehouse.rows(
        "SELECT kind, customer_id, other_customer_id, cause FROM identity.identity_journal WHERE kind <> 'born'"
        " ORDER BY kind"
    ) == [
        ("merged", before["r1"], before["r3"], "evidence"),
        ("split", before["r3"], before["r1"], "evidence"),
    ]


def test_what_people_said_are_two_is_told_also_where_no_evidence_was_cut(warehouse: Warehouse) -> None:
    warehouse.prepare([email("r1", "a@x"), email("r2", "b@x")])
    said = Decision("dec_1", "split", "shop", "r1", "shop", "r2", "ann", "Two brothers.", AS_OF)
    resolve_people(warehouse.build, warehouse.state, AS_OF, IdentityOrder(decisions=(said,)))
    assert warehouse.rows(
        "SELECT kind, rule, detail->>'decision_id', detail->>'author', detail->>'reason'"
        " FROM identity.identity_refused"
    ) == [("human", "decided", "dec_1", "ann", "Two brothers.")]


def test_of_two_decisions_that_say_the_same_the_first_is_told_in_every_build(warehouse: Warehouse) -> None:
    warehouse.prepare([email("r1", "a@x"), email("r2", "a@x")])
    first = Decision("dec_1", "split", "shop", "r1", "shop", "r2", "ann", "Two brothers.", AS_OF)
    said = (first, replace(first, decision_id="dec_2", author="bo"))
    for build in range(3):  # the second on extends what the last one knew
        resolve_people(warehouse.build, warehouse.state, AS_OF, IdentityOrder(decisions=said))
        cut = "SELECT detail->>'decision_id' FROM identity.identity_refused WHERE kind = 'deterministic'"
        assert set(warehouse.rows(cut)) == {("dec_1",)}, f"build {build}"


def test_an_alias_leads_to_the_living_through_later_merges(warehouse: Warehouse) -> None:
    a = [email("a1", "a@x")]
    b = [email("b1", "b@x"), email("b2", "b@x")]
    c = [email("c1", "c@x"), email("c2", "c@x"), email("c3", "c@x"), email("c4", "c@x")]
    warehouse.resolve([*a, *b, *c])
    ids = warehouse.people()
    a_is_b = [phone("a1", "+442920180841"), phone("b1", "+442920180841")]
    warehouse.resolve([*a, *b, *c, *a_is_b])
    warehouse.resolve([*a, *b, *c, *a_is_b, phone("b2", "+442920180842"), phone("c1", "+442920180842")])
    assert warehouse.aliases() == {ids["a1"]: ids["c1"], ids["b1"]: ids["c1"]}


def test_people_whose_records_have_no_dates_part_like_others(warehouse: Warehouse) -> None:
    known = [Known(f"r{n}", "email", f"{n}@x", at=None) for n in (1, 2)]
    phones = [Known(f"r{n}", "phone", "+442920180841", at=None) for n in (1, 2)]
    warehouse.resolve([*known, *phones])
    before = warehouse.people()
    report = warehouse.resolve(known)
    assert warehouse.people()["r1"] == before["r1"]
    assert (report.people, report.new_customers, report.split_customers) == (2, 1, 1)


def test_an_alias_follows_its_records_when_they_part_from_whom_it_was_merged_into(
    warehouse: Warehouse,
) -> None:
    a = [email("a1", "a@x")]
    b = [email("b1", "b@x"), email("b2", "b@x")]
    c = [email(f"c{n}", "c@x") for n in range(4)]
    warehouse.resolve([*a, *b, *c])
    ids = warehouse.people()
    a_is_b = [phone("a1", "+442920180841"), phone("b1", "+442920180841")]
    b_is_c = [phone("b2", "+442920180842"), phone("c1", "+442920180842")]
    warehouse.resolve([*a, *b, *c, *a_is_b])
    warehouse.resolve([*a, *b, *c, *a_is_b, *b_is_c])
    warehouse.resolve([*a, *b, *c, *a_is_b])
    assert set(warehouse.people().values()) == {ids["b1"], ids["c1"]}
    assert warehouse.aliases() == {ids["a1"]: ids["b1"]}
    told = "SELECT kind, customer_id, other_customer_id FROM identity.identity_journal WHERE kind <> 'born'"
    assert sorted(warehouse.rows(f"{told} AND '{ids['a1']}' IN (customer_id, other_customer_id)")) == [
        ("merged", ids["b1"], ids["a1"]),
        ("merged", ids["b1"], ids["a1"]),
        ("split", ids["a1"], ids["c1"]),
    ]
    warehouse.resolve([*a, *b, *c])
    assert warehouse.people() == ids
    assert warehouse.aliases() == {}


def test_a_record_that_was_away_during_a_merge_comes_back_to_the_merged_customer(
    warehouse: Warehouse,
) -> None:
    known = [email("r1", "a@x"), email("r2", "a@x"), email("r3", "b@x"), email("away", "b@x")]
    warehouse.resolve(known)
    before = warehouse.people()
    merging = [phone("r1", "+442920180841"), phone("r3", "+442920180841")]
    warehouse.resolve([*known[:3], *merging, email("r2b", "a@x")])
    warehouse.resolve([email("away", "b@x")])
    assert warehouse.people() == {"away": before["r1"]}


def test_a_crash_before_the_state_is_written_leaves_it_as_it_was(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.resolve([email("r1", "a@x")])
    before = warehouse.people()
    monkeypatch.setattr("pipelines.identity.stable_ids._remember", _write_half_and_die)
    with pytest.raises(RuntimeError, match="killed"):
        warehouse.resolve([email("r1", "a@x"), email("r2", "b@x")])
    assert warehouse.state_rows("SELECT source_record_id FROM record_customer") == [("r1",)]
    monkeypatch.undo()
    warehouse.resolve([email("r1", "a@x"), email("r2", "b@x")])
    assert warehouse.people()["r1"] == before["r1"]


def _write_half_and_die(connection: duckdb.DuckDBPyConnection, _build: object) -> None:
    connection.execute(
        "INSERT INTO state.record_customer SELECT source, source_record_id, customer_id FROM changed"
    )
    raise RuntimeError("killed")


def test_a_crash_after_the_state_is_written_gives_the_next_build_the_same_ids(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_connection: duckdb.DuckDBPyConnection, _policy: object, **_: object) -> None:
        raise RuntimeError("killed")

    known = [email("r1", "a@x"), email("r2", "b@x")]
    monkeypatch.setattr("pipelines.identity.people.publish_identity", die)
    with pytest.raises(RuntimeError, match="killed"):
        warehouse.resolve(known)
    given = dict(warehouse.state_rows("SELECT source_record_id, customer_id FROM record_customer"))
    monkeypatch.undo()
    report = warehouse.resolve(known)
    assert warehouse.people() == given
    assert report.new_customers == 0


def test_a_state_of_a_newer_version_is_refused(warehouse: Warehouse) -> None:
    warehouse.resolve([email("r1", "a@x")])
    with duckdb.connect(str(warehouse.state)) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (99)")
    with pytest.raises(BuildError, match="schema 99, newer than"):
        warehouse.resolve()


def test_no_records_at_all_are_no_people(warehouse: Warehouse) -> None:
    report = warehouse.resolve([])
    assert (report.records, report.people, report.largest) == (0, 0, 0)


worlds = st.lists(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 5)), max_size=10), min_size=2, max_size=4
)


@settings(max_examples=6, deadline=None)
@given(worlds)
def test_over_any_sequence_of_builds_every_id_stays_with_its_records_or_leads_to_them(
    builds: list[list[tuple[int, int]]],
) -> None:
    with TemporaryDirectory() as folder:
        warehouse = Warehouse(Path(folder))
        for pairs in builds:
            before = dict(_state(warehouse))
            warehouse.resolve([email(f"r{record}", f"k{key}@x") for record, key in sorted(set(pairs))])
            _hold_every_id(warehouse, before)


@settings(max_examples=6, deadline=None)
@given(worlds)
def test_what_the_last_build_knew_never_changes_who_is_with_whom(
    builds: list[list[tuple[int, int]]],
) -> None:
    with TemporaryDirectory() as folder:
        standing = Warehouse(Path(folder) / "standing")
        for number, pairs in enumerate(builds):
            known = [email(f"r{record}", f"k{key}@x") for record, key in sorted(set(pairs))]
            afresh = Warehouse(Path(folder) / f"afresh{number}")
            standing.resolve(known)
            afresh.resolve(known)
            assert _partition(standing) == _partition(afresh)


def _partition(warehouse: Warehouse) -> set[frozenset[str]]:
    found: dict[str, set[str]] = {}
    for record, customer in warehouse.people().items():
        found.setdefault(customer, set()).add(record)
    return {frozenset(records) for records in found.values()}


def _hold_every_id(warehouse: Warehouse, before: dict[str, str]) -> None:
    after, aliases = warehouse.people(), warehouse.aliases()
    state = _state(warehouse)
    assert len(dict(state)) == len(state), "a record has one customer"
    assert after.items() <= dict(state).items(), "what is published is what is remembered"
    assert not set(aliases) & set(after.values()), "an alias is nobody's id"
    assert all(alias not in aliases for alias in aliases.values()), "an alias leads to the living at once"
    for old in set(before.values()) - set(after.values()):
        holders = {
            after[record] for record, customer in before.items() if customer == old and record in after
        }
        assert not holders or aliases[old] in holders, "an id that nobody kept leads to who has its records"


def _state(warehouse: Warehouse) -> list[tuple[str, str]]:
    if not warehouse.state.exists():
        return []
    return [
        (row[0], row[1])
        for row in warehouse.state_rows("SELECT source_record_id, customer_id FROM record_customer")
    ]
