"""People that keys leave apart are compared, and each pair tells why."""

import json
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import duckdb
import pytest

from data_contracts.errors import BuildError
from pipelines.identity.linking.model import load_model
from pipelines.identity.linking.scorer import PairScorer
from pipelines.identity.linking.scoring import ScoredPairs, score_pairs
from pipelines.identity.linking.training import train
from pipelines.identity.linking.waterfall import waterfall
from pipelines.identity.policy import load_policy

Load = Callable[..., duckdb.DuckDBPyConnection]
Record = dict[str, Any]

HOME = {"street": "12 Quarry Lane", "city": "Leeds", "postcode": "LS1 4AB"}
MAGDA = {"given_name": "Magdalena", "family_name": "Szczepaniak", "birth_date": "1980-02-03", **HOME}
CROWD = [
    {
        "given_name": given,
        "family_name": family,
        "birth_date": f"19{50 + number}-0{1 + number % 9}-1{number % 9}",
        "street": f"{number} {family} Road",
        "city": "York",
        "postcode": f"YO{number} 1AA",
    }
    for number, (given, family) in enumerate(
        (given, family)
        for given in ("Oliver", "Amelia", "Rashid", "Birgit")
        for family in ("Turner", "Kowalski", "Nguyen", "Okafor", "Lindqvist")
    )
]


def pairs(load: Load, *records: Record) -> list[tuple[int, int, bool]]:
    """Score records among a crowd of others; give the pairs by their places, and whether they merge."""
    connection = load([*records, *CROWD])
    score_pairs(connection, load_model(), load_policy())
    return people_of_pairs(connection)


def people_of_pairs(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, int, bool]]:
    rows = connection.execute(
        """
        SELECT least(one.person, other.person), greatest(one.person, other.person), merges
        FROM linked_pairs
        JOIN loaded AS one ON one.source_record_id = one_record
        JOIN loaded AS other ON other.source_record_id = other_record
        """
    )
    return sorted(rows.fetchall())


def test_one_person_under_two_accounts_is_found(load: Load) -> None:
    assert pairs(load, MAGDA, {**MAGDA, "family_name": "Szczepanik"}) == [(0, 1, True)]


@pytest.mark.parametrize(
    "other",
    [
        {"given_name": "Szczepaniak", "family_name": "Magdalena"},
        {"given_name": "Lena"},
        {"birth_date": "1980-03-02"},
        {"street": None, "city": None, "postcode": None},
        {"birth_date": None},
    ],
)
def test_slips_short_forms_swaps_and_gaps_do_not_hide_a_person(load: Load, other: Record) -> None:
    assert pairs(load, MAGDA, MAGDA | other) == [(0, 1, True)]


@pytest.mark.parametrize(
    "other",
    [
        {"given_name": "Tomasz", "birth_date": "1978-05-06"},
        {"given_name": "Tomasz"},  # her twin
        {"given_name": "Tomasz", "birth_date": None},
        {"birth_date": "2004-02-03"},  # her daughter of the same name
        {"birth_date": "1990-02-03"},  # ... ten years to the day later: one digit
    ],
)
def test_two_of_one_household_are_never_linked(load: Load, other: Record) -> None:
    shared = {"email": "family@example.org", "phone": "+441132000000"}
    assert pairs(load, MAGDA | shared, MAGDA | shared | other) == []


def test_twins_whose_names_are_a_letter_apart_are_never_linked(load: Load) -> None:
    known = [{**CROWD[number], "given_name": name} for number, name in enumerate(["Hayden", "Jayden"] * 4)]
    hayden, jayden = MAGDA | {"given_name": "Hayden"}, MAGDA | {"given_name": "Jayden"}
    assert not any(merges for _, _, merges in pairs(load, hayden, jayden, *known))


@pytest.mark.parametrize(("one", "other"), [("Morris I", "Morris II"), ("Morris Sr", "Morris Junior")])
def test_two_generations_of_one_name_are_never_linked(load: Load, one: str, other: str) -> None:
    assert pairs(load, MAGDA | {"given_name": one}, MAGDA | {"given_name": other}) == []
    assert pairs(load, MAGDA | {"family_name": one}, MAGDA | {"family_name": other}) == []


def test_the_same_rare_name_is_no_person(load: Load) -> None:
    name = {"given_name": "Magdalena", "family_name": "Szczepaniak"}
    assert pairs(load, name | {"phone": "+441130000001"}, name | {"phone": "+442079460995"}) == []


def test_two_people_have_one_pair_the_best(load: Load) -> None:
    moved = MAGDA | {"street": "1 New Street", "postcode": "LS9 9ZZ"}
    one = [{**MAGDA, "person": 1}, {**moved, "person": 1}]
    other = [{**MAGDA, "person": 2}, {**MAGDA, "birth_date": None, "person": 2}]
    connection = load([*one, *other, *({**each, "person": 10 + n} for n, each in enumerate(CROWD))])
    score_pairs(connection, load_model(), load_policy())
    assert len(connection.execute("FROM linked_pairs").fetchall()) == 1


def test_the_evidence_adds_up_to_the_weight_and_shows_both_sides(load: Load) -> None:
    connection = load([MAGDA, {**MAGDA, "family_name": "Szczepanik"}, *CROWD])
    score_pairs(connection, load_model(), load_policy())
    weight, probability, text = connection.execute(
        "SELECT weight, probability, detail::VARCHAR FROM linked_pairs"
    ).fetchall()[0]
    detail = json.loads(text)
    steps = waterfall(detail)
    assert steps[-1].total == pytest.approx(weight, abs=0.01)
    assert detail["probability"] == probability
    family = next(step for step in steps if step.name == "family_name")
    assert (family.label, {family.left, family.right}) == (
        "a slip of the pen",
        {"szczepaniak", "szczepanik"},
    )
    assert [step.name for step in steps][:2] == ["prior", "given_name"]


def scored(load: Load, records: Sequence[Record], threads: int) -> list[tuple[Any, ...]]:
    connection = load(records)
    connection.execute(f"SET threads = {threads}")
    score_pairs(connection, load_model(), load_policy())
    return sorted(connection.execute("SELECT * FROM linked_pairs").fetchall(), key=str)


def test_the_order_of_rows_and_the_number_of_threads_change_nothing(load: Load) -> None:
    slips = [{**each, "family_name": each["family_name"] + "e"} for each in CROWD]
    records = [
        {**each, "source_record_id": f"r{n}", "person": n} for n, each in enumerate([*CROWD, *slips, MAGDA])
    ]
    shuffled = random.Random(4).sample(records, len(records))
    expected = scored(load, records, 1)
    assert len(expected) == len(CROWD)
    assert scored(load, shuffled, 4) == expected


def test_training_twice_in_another_order_gives_the_same_parameters(load: Load, company: list[Record]) -> None:
    records = company
    one = train(load(records))
    connection = load(random.Random(2).sample(records, len(records)))
    connection.execute("SET threads = 4")
    assert train(connection) == one


def test_what_was_learnt_links_the_company_it_was_learnt_from(load: Load, company: list[Record]) -> None:
    connection = load(company)
    report = score_pairs(connection, train(connection), load_policy())
    merging = [(one, other) for one, other, merges in people_of_pairs(connection) if merges]
    assert report.merging == len(merging)
    assert all(one // 2 == other // 2 for one, other in merging)
    assert len(merging) > 190  # of 200


def test_too_few_records_to_learn_from_are_refused(load: Load) -> None:
    with pytest.raises(BuildError, match="say too little"):
        train(load(CROWD))


def test_records_that_teach_too_little_are_scored_with_the_shipped_parameters(load: Load) -> None:
    connection = load([MAGDA, {**MAGDA, "family_name": "Szczepanik"}, *CROWD])
    PairScorer(load_policy())(connection)
    assert connection.execute("SELECT count(*) FROM linked_pairs WHERE merges").fetchall() == [(1,)]


def test_a_policy_moves_the_threshold(load: Load) -> None:
    policy = load_policy()
    strict = policy.model_copy(
        update={"probabilistic": policy.probabilistic.model_copy(update={"merge_above": 0.999999})}
    )
    connection = load([MAGDA, {**MAGDA, "birth_date": None}, *CROWD])
    report = score_pairs(connection, load_model(), strict)
    assert (report.merging, report.to_review) == (0, 1)


def test_nothing_of_splink_stays_in_the_warehouse(load: Load) -> None:
    connection = load([MAGDA, {**MAGDA, "family_name": "Szczepanik"}, *CROWD])
    score_pairs(connection, load_model(), load_policy())
    names = connection.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_catalog = 'memory'"
    ).fetchall()
    assert not [name for (name,) in names if "splink" in name]
    assert connection.execute("SELECT current_database()").fetchall() == [("memory",)]


def test_without_anything_to_compare_nothing_is_found(load: Load) -> None:
    assert score_pairs(load([MAGDA]), load_model(), load_policy()) == ScoredPairs(1, 0, 0, 0, 0, 0)


def test_splink_is_imported_where_it_is_needed_and_not_before() -> None:
    program = "import sys, pipelines.identity.linking.scoring, pipelines.identity.linking.training;"
    program += "sys.exit('splink' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
