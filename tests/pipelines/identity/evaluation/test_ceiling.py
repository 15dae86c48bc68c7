"""The recall ceiling is what an oracle reaches that never joins two people."""

from itertools import combinations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.identity.evaluation.ceiling import AGREEING, ATTRIBUTES, Ceiling, recall_ceiling
from pipelines.identity.policy import load_policy

TABLES = """
    CREATE SCHEMA intermediate;
    CREATE TABLE judged (record BIGINT, person BIGINT, source TEXT, source_record_id TEXT);
    CREATE TABLE carried (record BIGINT, person BIGINT, identifier_type TEXT, match_key TEXT, reason TEXT);
    CREATE TABLE intermediate.int_identity__records (
        source TEXT, source_record_id TEXT, given_name TEXT, family_name TEXT, birth_date DATE, street TEXT,
        city TEXT, postcode TEXT);
"""
Said = dict[str, str | None]


def ceiling(records: list[tuple[int, Said]], refused: dict[tuple[str, str], str] | None = None) -> Ceiling:
    """Give the ceiling of records, each a person and what the record says."""
    with duckdb.connect() as connection:
        connection.execute(TABLES)
        for number, (person, said) in enumerate(records):
            name = str(number)
            connection.execute("INSERT INTO judged VALUES (?, ?, 's', ?)", [number, person, name])
            connection.execute(
                "INSERT INTO intermediate.int_identity__records VALUES ('s', ?, ?, ?, ?, ?, ?, ?)",
                [name, *(said.get(each) for each in ATTRIBUTES)],
            )
            for kind, value in said.items():
                if kind not in ATTRIBUTES and value is not None:
                    reason = (refused or {}).get((kind, value))
                    connection.execute(
                        "INSERT INTO carried VALUES (?, ?, ?, ?, ?)",
                        [number, person, kind, value, reason],
                    )
        return recall_ceiling(connection, load_policy())


def test_records_of_one_person_that_share_nothing_are_beyond_both() -> None:
    assert ceiling([(1, {"email": "a"}), (1, {"email": "b"})]) == Ceiling(0.0, 0.0)


def test_a_way_through_a_third_record_of_the_person_counts() -> None:
    found = ceiling([(1, {"email": "a"}), (1, {"phone": "1"}), (1, {"email": "a", "phone": "1"})])
    assert found == Ceiling(1.0, 1.0)


def test_a_way_through_a_strangers_record_does_not() -> None:
    found = ceiling([(1, {"email": "a"}), (1, {"phone": "1"}), (2, {"email": "a", "phone": "1"})])
    assert found.identifiers == 0


@pytest.mark.parametrize(
    ("reason", "reached"), [("placeholder", 0.0), ("own", 0.0), ("shared", 1.0), ("contested", 1.0)]
)
def test_what_was_only_learned_to_prove_nothing_does_not_lower_it(reason: str, reached: float) -> None:
    found = ceiling([(1, {"email": "a"}), (1, {"email": "a"})], {("email", "a"): reason})
    assert found.identifiers == reached


def test_an_order_ties_records_of_somebody_and_makes_nobody_out_of_itself() -> None:
    guest: Said = {"order": "9"}
    assert ceiling([(1, guest), (1, guest)]) == Ceiling(0.0, 0.0)
    assert ceiling([(1, guest), (1, guest | {"email": "a"})]) == Ceiling(1.0, 1.0)


def test_a_type_that_may_not_link_leads_nowhere() -> None:
    assert ceiling([(1, {"device_id": "d"}), (1, {"device_id": "d"})]).identifiers == 0


@pytest.mark.parametrize(
    ("one", "other", "reached"),
    [
        ({"given_name": "Zoë", "postcode": "SE1 0AA"}, {"given_name": "ZOE ", "postcode": "se10aa"}, 1.0),
        ({"family_name": "Lee", "birth_date": "1990-02-01"}, {"family_name": "lee", "birth_date": "1990-02-01"}, 1.0),
        ({"given_name": "Ann", "family_name": "Lee"}, {"given_name": "Ann", "family_name": "Lee"}, 0.0),
        ({"street": "1 Quay", "postcode": "X"}, {"street": "1 Quay", "postcode": "X"}, 1.0),
        ({"given_name": "Ann", "postcode": "X"}, {"given_name": "Anne", "postcode": "X"}, 0.0),
    ],
)  # fmt: skip
def test_two_facts_are_enough_unless_both_are_names(one: Said, other: Said, reached: float) -> None:
    assert ceiling([(1, one), (1, other)]) == Ceiling(0.0, reached)


words = st.one_of(st.none(), st.sampled_from("ab"))
said = st.fixed_dictionaries(
    dict.fromkeys(("email", "phone", "given_name", "family_name", "street", "postcode"), words)
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 2), said), min_size=1, max_size=7))
def test_it_is_what_walking_from_record_to_record_gives(records: list[tuple[int, Said]]) -> None:
    found = ceiling(records)
    pairs = [(a, b) for a, b in combinations(range(len(records)), 2) if records[a][0] == records[b][0]]
    for share, ties in (
        (found.identifiers, (("email",), ("phone",))),
        (found.attributes, (("email",), ("phone",), *AGREEING)),
    ):
        reach = _closed(records, ties)
        expected = sum(b in reach[a] for a, b in pairs) / len(pairs) if pairs else 1.0
        assert share == pytest.approx(expected)


def _closed(records: list[tuple[int, Said]], ties: tuple[tuple[str, ...], ...]) -> list[set[int]]:
    def tied(a: int, b: int) -> bool:
        one, other = records[a], records[b]
        return one[0] == other[0] and any(
            all(one[1].get(name) is not None and one[1].get(name) == other[1].get(name) for name in names)
            for names in ties
        )

    reach = [{a} | {b for b in range(len(records)) if tied(a, b)} for a in range(len(records))]
    for _ in records:
        reach = [set().union(*(reach[b] for b in each)) for each in reach]
    return reach
